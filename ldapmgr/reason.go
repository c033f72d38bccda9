// SPDX-License-Identifier: MIT

package ldapmgr

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/ldapscope/ldapscope/instrument"
)

// Class is why something failed, as a word for counting.
type Class string

// The classes of failure.
const (
	ClassCanceled       Class = "canceled"
	ClassClosed         Class = "closed" // the peer ended the connection
	ClassReset          Class = "reset"
	ClassRefused        Class = "refused"
	ClassUnreachable    Class = "unreachable"
	ClassDown           Class = "down"        // every server failed before, and none was asked
	ClassDescriptors    Class = "descriptors" // this process or machine may open no more sockets
	ClassDNS            Class = "dns"
	ClassTimeoutConnect Class = "timeout_connect"
	ClassTimeoutTLS     Class = "timeout_tls"
	ClassTimeout        Class = "timeout" // no answer to an operation
	ClassTLSExpired     Class = "tls_expired"
	ClassTLSNotYet      Class = "tls_not_yet_valid"
	ClassTLSName        Class = "tls_name"
	ClassTLSSAN         Class = "tls_san" // a certificate that says its name in the old place only
	ClassTLSAuthority   Class = "tls_authority"
	ClassTLSSelfSigned  Class = "tls_self_signed"
	ClassTLSChain       Class = "tls_chain" // intermediate certificates are not sent
	ClassTLSKey         Class = "tls_weak_key"
	ClassTLSSignature   Class = "tls_signature" // SHA-1 or older
	ClassTLSPin         Class = "tls_pin"
	ClassTLSClient      Class = "tls_client_certificate" // the server refuses ours, or that there is none
	ClassTLSVersion     Class = "tls_version"
	ClassTLS            Class = "tls"
	ClassStartTLS       Class = "start_tls"
	ClassNotice         Class = "notice"      // the server said goodbye
	ClassCredentials    Class = "credentials" // the service account was refused
	ClassBusy           Class = "busy"        // 51 and 52
	ClassProtocol       Class = "protocol"
	ClassStale          Class = "stale" // a replica lacks what was read before
	ClassExhausted      Class = "pool_exhausted"
	ClassReadOnly       Class = "read_only"
	ClassConfig         Class = "config" // a file or secret that cannot be read
	ClassAnswer         Class = "answer" // any other result code
	ClassOther          Class = "other"
)

// sentences say what a class means, for people. A class without one speaks through the error itself.
var sentences = map[Class]string{
	ClassCanceled: "the caller gave up", ClassClosed: "the server closed the connection", ClassReset: "the server reset the connection",
	ClassRefused:     "nothing listens on this port (connection refused)",
	ClassDescriptors: "this process may open no more files and sockets; look for leaks or raise ulimit -n",
	ClassUnreachable: "no route to the server", ClassDNS: "the server's name cannot be looked up",
	ClassTimeoutConnect: "the server does not answer the connection attempt",
	ClassTimeoutTLS:     "the server does not finish the TLS handshake; perhaps the port does not speak TLS",
	ClassTimeout:        "the server accepts connections and does not answer",
	ClassTLSExpired:     "the server's certificate has expired, or this machine's clock is wrong",
	ClassTLSNotYet:      "the server's certificate is not valid yet; check this machine's clock",
	ClassTLSName:        "the server's certificate is for another name; check tls.server_name",
	ClassTLSAuthority:   "the server's certificate is signed by an authority that is not trusted; set tls.ca_file",
	ClassTLSSAN:         "the server's certificate has its name only as common name, which does not count; issue one with subject alternative names",
	ClassTLSSelfSigned:  "the server's certificate is signed by nobody but itself and not trusted; set tls.ca_file to it, or pin it",
	ClassTLSChain:       "the server does not send the certificate of the authority that issued its own; have it send its intermediate certificates, or add them to tls.ca_file",
	ClassTLSKey:         "the server's certificate, or that of an authority above it, has an RSA key of less than 2,048 bits; issue one with a longer key",
	ClassTLSSignature:   "the server's certificate, or that of an authority above it, is signed with SHA-1 or older, which can be forged; issue it anew",
	ClassTLSPin:         "the server's certificate has none of the pinned fingerprints",
	ClassTLSClient:      "the server wants a client certificate that it accepts; set tls.client_cert and tls.client_key",
	ClassTLSVersion:     "no TLS version or cipher in common; see tls.min_version and tls.legacy_rsa",
	ClassTLS:            "the TLS handshake fails; perhaps the port does not speak TLS",
	ClassStartTLS:       "the server refuses StartTLS", ClassNotice: "the server ended the connection and said so",
	ClassCredentials: "the service account is refused", ClassBusy: "the server says it is busy or unavailable",
	ClassProtocol: "the server's answer is no valid LDAP", ClassStale: "the server lacks changes that an earlier sync has read; its replication is behind",
}

// Reason says in plain words why err happened, for a page that people read. It holds no filter, value or credential.
func Reason(err error) string {
	if err == nil {
		return ""
	}
	class := Classify(err)
	text := sentences[class]
	switch class {
	case ClassDNS:
		var dns *net.DNSError
		if errors.As(err, &dns) {
			text = fmt.Sprintf("the name %s cannot be looked up: %s", dns.Name, dns.Err)
		}
	case ClassCredentials, ClassAnswer, ClassBusy:
		if hint := Hint(err); hint != "" {
			text = strings.TrimPrefix(text+": "+hint, ": ")
		}
	case ClassNotice:
		var notice *instrument.DisconnectError
		if errors.As(err, &notice) {
			text = fmt.Sprintf("%s: %s (%d)", text, instrument.CodeName(notice.Code), notice.Code)
		}
	}
	if text == "" {
		return err.Error()
	}
	if errors.Is(err, errUnanswered) {
		text += " before any answer; perhaps the port speaks TLS: write ldaps://"
	}
	return text
}

// Classify returns the class of an error of this package, and "" for nil.
func Classify(err error) Class {
	var notice *instrument.DisconnectError
	switch {
	case err == nil:
		return ""
	case errors.Is(err, ErrServiceAccount):
		return ClassCredentials
	case errors.Is(err, ErrReadOnly):
		return ClassReadOnly
	case errors.Is(err, ErrStale):
		return ClassStale
	case errors.Is(err, ErrPoolExhausted):
		return ClassExhausted
	case errors.Is(err, errConfig):
		return ClassConfig
	case errors.Is(err, errAllDown):
		return ClassDown
	case errors.As(err, &notice):
		return ClassNotice
	case errors.Is(err, instrument.ErrMalformed), errors.Is(err, instrument.ErrLimit), errors.Is(err, instrument.ErrRepeatedCookie):
		return ClassProtocol
	}
	if _, ok := instrument.ResultCode(err); ok {
		return classOfAnswer(err)
	}
	if class := classOfTLS(err); class != "" {
		return class
	}
	return classOfNetwork(err)
}

func classOfAnswer(err error) Class {
	var dial *instrument.DialError
	switch {
	case errors.As(err, &dial) && dial.Stage == "start_tls":
		return ClassStartTLS
	case saysBusy(err):
		return ClassBusy
	}
	return ClassAnswer
}

func classOfNetwork(err error) Class {
	var dns *net.DNSError
	var dial *instrument.DialError
	stage := ""
	if errors.As(err, &dial) {
		stage = dial.Stage
	}
	timeout := errors.Is(err, instrument.ErrTimeout) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
	switch {
	case errors.As(err, &dns):
		return ClassDNS
	case errors.Is(err, context.Canceled):
		return ClassCanceled
	case timeout && stage == "connect":
		return ClassTimeoutConnect
	case timeout && stage != "":
		return ClassTimeoutTLS
	case timeout:
		return ClassTimeout
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, os.ErrNotExist), errors.Is(err, syscall.EACCES):
		return ClassRefused
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return ClassDescriptors
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EADDRNOTAVAIL):
		return ClassUnreachable
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return ClassReset
	case stage == "tls" || stage == "start_tls":
		return ClassTLS
	case errors.Is(err, instrument.ErrConnection), stage != "":
		return ClassClosed
	}
	return ClassOther
}
