// Package export gives what rolecall exports to the parsers of those who are to read it: HCL's own, with the shape of the provider's
// resources, and eksctl's own loader of configuration files.
package export
