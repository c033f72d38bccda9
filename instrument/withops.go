// SPDX-License-Identifier: MIT

package instrument

import (
	"github.com/go-ldap/ldap/v3"

	"github.com/ldapscope/ldapscope/instrument/wire"
)

// The operations of ContextClient are those of go-ldap of the same name, see there, under the context of With.

// Bind is Client.Bind.
func (w *ContextClient) Bind(username, password string) error {
	return w.run(KindBind, username, func() error { return w.client.driver.Bind(username, password) })
}

// UnauthenticatedBind names somebody without a proof.
func (w *ContextClient) UnauthenticatedBind(username string) error {
	return w.run(KindBind, username, func() error { return w.client.driver.UnauthenticatedBind(username) })
}

// SimpleBind is Client.SimpleBind.
func (w *ContextClient) SimpleBind(request *ldap.SimpleBindRequest) (*ldap.SimpleBindResult, error) {
	ctx, cancel := w.within()
	defer cancel()
	result, err := w.client.SimpleBind(ctx, request)
	return result, adapted(err)
}

// ExternalBind is Client.BindExternal.
func (w *ContextClient) ExternalBind() error {
	return w.run(KindBind, "", w.client.driver.ExternalBind)
}

// MD5Bind is a DIGEST-MD5 bind.
func (w *ContextClient) MD5Bind(host, username, password string) error {
	return w.steps("DIGEST-MD5", func() error { return w.client.driver.MD5Bind(host, username, password) })
}

// DigestMD5Bind is a DIGEST-MD5 bind.
func (w *ContextClient) DigestMD5Bind(request *ldap.DigestMD5BindRequest) (result *ldap.DigestMD5BindResult, err error) {
	err = w.steps("DIGEST-MD5", func() (err error) { result, err = w.client.driver.DigestMD5Bind(request); return err })
	return result, err
}

// NTLMBind is an NTLM bind of Active Directory.
func (w *ContextClient) NTLMBind(domain, username, password string) error {
	return w.steps("NTLM", func() error { return w.client.driver.NTLMBind(domain, username, password) })
}

// NTLMUnauthenticatedBind is an NTLM bind with an empty password.
func (w *ContextClient) NTLMUnauthenticatedBind(domain, username string) error {
	return w.steps("NTLM", func() error { return w.client.driver.NTLMUnauthenticatedBind(domain, username) })
}

// NTLMBindWithHash is an NTLM bind with the hash of a password.
func (w *ContextClient) NTLMBindWithHash(domain, username, hash string) error {
	return w.steps("NTLM", func() error { return w.client.driver.NTLMBindWithHash(domain, username, hash) })
}

// NTLMChallengeBind is an NTLM bind.
func (w *ContextClient) NTLMChallengeBind(request *ldap.NTLMBindRequest) (result *ldap.NTLMBindResult, err error) {
	err = w.steps("NTLM", func() (err error) { result, err = w.client.driver.NTLMChallengeBind(request); return err })
	return result, err
}

// GSSAPIBind is a Kerberos bind.
func (w *ContextClient) GSSAPIBind(client ldap.GSSAPIClient, servicePrincipal, authzid string) error {
	return w.steps("GSSAPI", func() error { return w.client.driver.GSSAPIBind(client, servicePrincipal, authzid) })
}

// GSSAPIBindRequest is a Kerberos bind.
func (w *ContextClient) GSSAPIBindRequest(client ldap.GSSAPIClient, request *ldap.GSSAPIBindRequest) error {
	return w.steps("GSSAPI", func() error { return w.client.driver.GSSAPIBindRequest(client, request) })
}

// GSSAPIBindRequestWithAPOptions is a Kerberos bind.
func (w *ContextClient) GSSAPIBindRequestWithAPOptions(client ldap.GSSAPIClient, request *ldap.GSSAPIBindRequest, options []int) error {
	return w.steps("GSSAPI", func() error { return w.client.driver.GSSAPIBindRequestWithAPOptions(client, request, options) })
}

// Add creates an entry.
func (w *ContextClient) Add(request *ldap.AddRequest) error {
	return w.run(KindAdd, request.DN, func() error { return w.client.driver.Add(request) })
}

// Del removes an entry.
func (w *ContextClient) Del(request *ldap.DelRequest) error {
	return w.run(KindDelete, request.DN, func() error { return w.client.driver.Del(request) })
}

// Modify changes an entry.
func (w *ContextClient) Modify(request *ldap.ModifyRequest) error {
	return w.run(KindModify, request.DN, func() error { return w.client.driver.Modify(request) })
}

// ModifyWithResult changes an entry and returns the controls of the answer.
func (w *ContextClient) ModifyWithResult(request *ldap.ModifyRequest) (result *ldap.ModifyResult, err error) {
	err = w.run(KindModify, request.DN, func() (err error) { result, err = w.client.driver.ModifyWithResult(request); return err })
	return result, err
}

// ModifyDN renames or moves an entry.
func (w *ContextClient) ModifyDN(request *ldap.ModifyDNRequest) error {
	return w.run(KindModifyDN, request.DN, func() error { return w.client.driver.ModifyDN(request) })
}

// Compare asks whether an entry has a value.
func (w *ContextClient) Compare(dn, attribute, value string) (matches bool, err error) {
	err = w.run(KindCompare, dn, func() (err error) { matches, err = w.client.driver.Compare(dn, attribute, value); return err })
	return matches, err
}

// Extended sends an extended operation.
func (w *ContextClient) Extended(request *ldap.ExtendedRequest) (response *ldap.ExtendedResponse, err error) {
	err = w.run(KindExtended, request.Name, func() (err error) { response, err = w.client.driver.Extended(request); return err })
	return response, err
}

// PasswordModify changes a password.
func (w *ContextClient) PasswordModify(request *ldap.PasswordModifyRequest) (result *ldap.PasswordModifyResult, err error) {
	err = w.run(KindExtended, wire.OIDPasswd, func() (err error) { result, err = w.client.driver.PasswordModify(request); return err })
	return result, err
}

// WhoAmI asks who is bound.
func (w *ContextClient) WhoAmI(controls []ldap.Control) (result *ldap.WhoAmIResult, err error) {
	err = w.run(KindExtended, wire.OIDWhoAmI, func() (err error) { result, err = w.client.driver.WhoAmI(controls); return err })
	return result, err
}
