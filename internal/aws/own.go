package aws

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// Renewal is the command that renews the caller's credentials, "" where the profile names none.
func (c *Client) Renewal() string { return c.renewal }

// CredentialsEnd says until when the caller's credentials hold; zero where they do not say.
func (c *Client) CredentialsEnd(ctx context.Context) (time.Time, error) {
	creds, err := c.cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return time.Time{}, fmt.Errorf("obtaining credentials: %w", c.translate(err, scope{service: serviceSTS}))
	}
	if !creds.CanExpire {
		return time.Time{}, nil
	}
	return creds.Expires, nil
}

// stsHost is what an authenticator takes for a host of STS; a token that names another is sent nowhere.
var stsHost = regexp.MustCompile(`^sts(-fips)?(\.[a-z0-9-]+)?\.(amazonaws\.com(\.cn)?|api\.aws|api\.amazonwebservices\.com\.cn|amazonaws\.eu|c2s\.ic\.gov|sc2s\.sgov\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)$`)

// mostReply bounds what is read of a reply.
const mostReply = 64 << 10

// Verify asks STS about a token as the authenticator of a cluster of that name would ask. The token is sent to STS and nowhere
// else. Where STS answered, the proof holds its clock, whether or not it accepted the token.
func (c *Client) Verify(ctx context.Context, token, clusterName string) (access.Proof, error) {
	const doing = "asking STS about the token"
	req, err := c.verification(ctx, token, clusterName)
	if err != nil {
		return access.Proof{}, fmt.Errorf("%s: %w", doing, err)
	}
	resp, err := sts.NewFromConfig(c.cfg).Options().HTTPClient.Do(req)
	if err != nil {
		// A *url.Error would repeat the address, which is the token.
		cause := err
		if u, ok := err.(*url.Error); ok { //nolint:errorlint // only the outermost holds the address
			cause = u.Err
		}
		return access.Proof{}, fmt.Errorf("%s: %w", doing, &access.CallError{
			Service: serviceSTS, Operation: "GetCallerIdentity", Message: cause.Error(), Condition: access.ErrUnreachable,
		})
	}
	defer resp.Body.Close() //nolint:errcheck // it was only read
	proof := access.Proof{Heard: c.opt.Clock()}
	proof.Date, _ = http.ParseTime(resp.Header.Get("Date"))
	body, err := io.ReadAll(io.LimitReader(resp.Body, mostReply))
	if err != nil {
		return proof, fmt.Errorf("%s: reading the reply: %w", doing, err)
	}
	if resp.StatusCode != http.StatusOK {
		return proof, fmt.Errorf("%s: %w", doing, refusal(resp, body))
	}
	proof.Caller, err = callerIn(body)
	if err != nil {
		return proof, fmt.Errorf("%s: %w", doing, err)
	}
	return proof, nil
}

// verification is the request that the token holds. A configured endpoint is dialled in place of the token's host, which stays in the signed header.
func (c *Client) verification(ctx context.Context, token, clusterName string) (*http.Request, error) {
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(token, tokenPrefix))
	if err != nil || !strings.HasPrefix(token, tokenPrefix) {
		return nil, fmt.Errorf("it is no token of EKS")
	}
	to, err := url.Parse(string(raw))
	if err != nil || to.Scheme != "https" || !stsHost.MatchString(to.Host) || to.Path != "/" || to.User != nil {
		return nil, fmt.Errorf("it does not name STS")
	}
	host := to.Host
	if base := sts.NewFromConfig(c.cfg).Options().BaseEndpoint; base != nil {
		if b, err := url.Parse(*base); err == nil {
			to.Scheme, to.Host = b.Scheme, b.Host
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, to.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("it holds no request")
	}
	req.Host = host
	req.Header.Set("X-K8s-Aws-Id", clusterName)
	req.Header.Set("Accept", "application/json")
	return req, nil
}

// callerIn reads the JSON that STS gives to whoever accepts it.
func callerIn(body []byte) (access.Caller, error) {
	var out struct {
		Response struct {
			Result struct{ Account, Arn string } `json:"GetCallerIdentityResult"`
		} `json:"GetCallerIdentityResponse"`
	}
	if err := json.Unmarshal(body, &out); err != nil || out.Response.Result.Arn == "" {
		return access.Caller{}, &access.CallError{
			Service: serviceSTS, Operation: "GetCallerIdentity", Condition: access.ErrUnreachable, Message: "something that is not STS answered",
		}
	}
	return access.Caller{Account: access.AccountID(out.Response.Result.Account), ARN: access.ARN(out.Response.Result.Arn)}, nil
}

// refusal reads an error of STS, which comes as JSON or XML.
func refusal(resp *http.Response, body []byte) error {
	var inJSON struct {
		Error struct{ Code, Message string }
	}
	var inXML struct {
		Error struct{ Code, Message string }
	}
	code, message := "", ""
	if json.Unmarshal(body, &inJSON) == nil {
		code, message = inJSON.Error.Code, inJSON.Error.Message
	} else if xml.Unmarshal(body, &inXML) == nil {
		code, message = inXML.Error.Code, inXML.Error.Message
	}
	first, _, _ := strings.Cut(message, "\n")
	out := &access.CallError{
		Service: serviceSTS, Operation: "GetCallerIdentity", RequestID: resp.Header.Get("X-Amzn-Requestid"),
		Condition: condition(code, nil), Message: strings.TrimPrefix(code+": "+first, ": "),
	}
	if code == "" {
		out.Condition, out.Message = access.ErrUnreachable, fmt.Sprintf("answered HTTP %d without an error STS would send", resp.StatusCode)
	}
	return out
}
