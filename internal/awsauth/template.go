package awsauth

// The templates that the authenticator fills in, in usernames and groups.
const (
	TemplateAccountID      = "{{AccountID}}"
	TemplateSessionName    = "{{SessionName}}"
	TemplateSessionNameRaw = "{{SessionNameRaw}}"
	TemplateAccessKeyID    = "{{AccessKeyID}}"
	TemplateEC2Name        = "{{EC2PrivateDNSName}}"
)

// Templates returns all of them; what else is written like one stays as it is.
func Templates() []string {
	return []string{TemplateAccountID, TemplateSessionName, TemplateSessionNameRaw, TemplateAccessKeyID, TemplateEC2Name}
}
