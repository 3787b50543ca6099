// A module proxy whose every module lies behind a certificate of its own kind.
//
// Listens on one port of the loopback interface, as a module proxy over plain HTTP that redirects
// example.test/KIND to https://KIND.test, and as the HTTP proxy that leads there. Writes the roots to
// the file named first, prints the port and the kinds, and ends with its standard input.
package main

import (
	"archive/zip"
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

var (
	now    = time.Now()
	kinds  = map[string]tls.Certificate{}
	order  []string
	roots  bytes.Buffer
	serial = int64(1)
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func ecKey() crypto.Signer { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) }

// A template of a certificate for host, or of an authority where host is empty.
func template(name, host string) *x509.Certificate {
	serial++
	c := &x509.Certificate{
		SerialNumber:          big.NewInt(serial),
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             now.Add(-24 * time.Hour),
		NotAfter:              now.Add(24 * time.Hour),
		BasicConstraintsValid: true,
	}
	if host == "" {
		c.IsCA = true
		c.KeyUsage = x509.KeyUsageCertSign
	} else {
		c.DNSNames = []string{host}
		c.KeyUsage = x509.KeyUsageDigitalSignature
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	return c
}

// Signs c; without an issuer by itself.
func sign(c *x509.Certificate, key crypto.Signer, issuer *authority) *authority {
	parent, signer := c, key
	if issuer != nil {
		parent, signer = issuer.cert, issuer.key
	}
	der := must(x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer))
	return &authority{must(x509.ParseCertificate(der)), key}
}

func root(name string, change func(*x509.Certificate)) *authority {
	c := template(name, "")
	change(c)
	ca := sign(c, ecKey(), nil)
	pem.Encode(&roots, &pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw})
	return ca
}

func serve(kind string, key crypto.Signer, chain ...[]byte) {
	kinds[kind+".test"] = tls.Certificate{Certificate: chain, PrivateKey: key}
	order = append(order, kind)
}

// A leaf of its kind, straight below issuer.
func leaf(kind string, issuer *authority, change func(*x509.Certificate)) {
	c := template(kind, kind+".test")
	change(c)
	l := sign(c, ecKey(), issuer)
	serve(kind, l.key, l.cert.Raw)
}

// A leaf below an intermediate authority of its kind.
func below(kind string, issuer *authority, change func(*x509.Certificate)) {
	c := template(kind+" authority", "")
	change(c)
	middle := sign(c, ecKey(), issuer)
	l := sign(template(kind, kind+".test"), ecKey(), middle)
	serve(kind, l.key, l.cert.Raw, middle.cert.Raw)
}

func nothing(*x509.Certificate) {}

func unknown(critical bool) pkix.Extension {
	return pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 99999, 1}, Critical: critical, Value: []byte{5, 0}}
}

type body struct {
	Version    int `asn1:"optional,explicit,default:0,tag:0"`
	Serial     *big.Int
	Algorithm  pkix.AlgorithmIdentifier
	Issuer     asn1.RawValue
	Validity   asn1.RawValue
	Subject    asn1.RawValue
	Key        asn1.RawValue
	Extensions []pkix.Extension `asn1:"omitempty,optional,explicit,tag:3"`
}

// A leaf that no library would make: changed after the fact, and signed anew.
func odd(kind string, issuer *authority, change func(*body)) {
	l := sign(template(kind, kind+".test"), ecKey(), issuer)
	var b body
	must(asn1.Unmarshal(l.cert.RawTBSCertificate, &b))
	change(&b)
	tbs := must(asn1.Marshal(b))
	digest := sha256.Sum256(tbs)
	signature := must(issuer.key.Sign(rand.Reader, digest[:], crypto.SHA256))
	whole := struct {
		TBS       asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}{asn1.RawValue{FullBytes: tbs}, b.Algorithm, asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)}}
	serve(kind, l.key, must(asn1.Marshal(whole)))
}

func make_all() {
	good := root("good", nothing)
	leaf("good", good, nothing)
	leaf("expired", good, func(c *x509.Certificate) { c.NotAfter = now.Add(-time.Hour) })
	leaf("future", good, func(c *x509.Certificate) { c.NotBefore = now.Add(time.Hour) })
	leaf("othername", good, func(c *x509.Certificate) { c.DNSNames = []string{"elsewhere.test"} })
	leaf("cnonly", good, func(c *x509.Certificate) { c.DNSNames = nil; c.Subject.CommonName = "cnonly.test" })
	leaf("wildcard", good, func(c *x509.Certificate) { c.DNSNames = []string{"*.test"} })
	leaf("partwild", good, func(c *x509.Certificate) { c.DNSNames = []string{"part*.test"} })
	leaf("clientonly", good, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })
	leaf("nousage", good, func(c *x509.Certificate) { c.ExtKeyUsage = nil; c.KeyUsage = 0 })
	leaf("critical", good, func(c *x509.Certificate) { c.ExtraExtensions = []pkix.Extension{unknown(true)} })
	leaf("uncritical", good, func(c *x509.Certificate) { c.ExtraExtensions = []pkix.Extension{unknown(false)} })
	leaf("authority", good, func(c *x509.Certificate) { c.IsCA = true; c.KeyUsage |= x509.KeyUsageCertSign })
	odd("negative", good, func(b *body) { b.Serial = big.NewInt(-5) })
	odd("twice", good, func(b *body) { b.Extensions = append(b.Extensions, unknown(false), unknown(false)) })

	below("intermediate", good, nothing)
	below("mutesigner", good, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageDigitalSignature })
	below("noauthority", good, func(c *x509.Certificate) { c.IsCA = false })
	below("oldsigner", good, func(c *x509.Certificate) { c.NotAfter = now.Add(-time.Hour) })
	below("clientsigner", good, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })
	below("constrained", good, func(c *x509.Certificate) { c.PermittedDNSDomains = []string{"elsewhere.test"} })
	below("excluded", good, func(c *x509.Certificate) { c.ExcludedDNSDomains = []string{"excluded.test"} })
	below("permitted", good, func(c *x509.Certificate) {
		c.PermittedDNSDomainsCritical, c.PermittedDNSDomains = true, []string{"permitted.test"}
	})
	short := template("short authority", "")
	short.MaxPathLenZero = true
	first := sign(short, ecKey(), good)
	second := sign(template("too deep", ""), ecKey(), first)
	deep := sign(template("toodeep", "toodeep.test"), ecKey(), second)
	serve("toodeep", deep.key, deep.cert.Raw, second.cert.Raw, first.cert.Raw)

	leaf("oldroot", root("old", func(c *x509.Certificate) { c.NotAfter = now.Add(-time.Hour) }), nothing)
	leaf("muteroot", root("mute", func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageDigitalSignature }), nothing)
	leaf("plainroot", root("plain", func(c *x509.Certificate) { c.IsCA = false }), nothing)
	leaf("clientroot", root("client", func(c *x509.Certificate) {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}), nothing)
	leaf("rootconstrained", root("constrained", func(c *x509.Certificate) {
		c.PermittedDNSDomains = []string{"elsewhere.test"}
	}), nothing)
	own := template("selfsigned", "selfsigned.test")
	itself := sign(own, ecKey(), nil)
	pem.Encode(&roots, &pem.Block{Type: "CERTIFICATE", Bytes: itself.cert.Raw})
	serve("selfsigned", itself.key, itself.cert.Raw)
	stranger := sign(template("stranger", ""), ecKey(), nil)
	leaf("ownroot", stranger, nothing)

	rsaRoot := template("rsa", "")
	authorityRSA := sign(rsaRoot, must(rsa.GenerateKey(rand.Reader, 2048)), nil)
	pem.Encode(&roots, &pem.Block{Type: "CERTIFICATE", Bytes: authorityRSA.cert.Raw})
	leaf("rsa", authorityRSA, nothing)
	leaf("sha1", authorityRSA, func(c *x509.Certificate) { c.SignatureAlgorithm = x509.SHA1WithRSA })
	// Short enough to be weak, long enough for this release's own minimum.
	weak := sign(template("shortrsa", "shortrsa.test"), must(rsa.GenerateKey(rand.Reader, 1024)), good)
	serve("shortrsa", weak.key, weak.cert.Raw)
}

func file(module, name string) []byte {
	switch name {
	case "v1.0.0.info":
		return []byte(`{"Version":"v1.0.0","Time":"2020-01-01T00:00:00Z"}`)
	case "v1.0.0.mod":
		return []byte("module " + module + "\n")
	case "v1.0.0.zip":
		var out bytes.Buffer
		w := zip.NewWriter(&out)
		must(must(w.Create(module + "@v1.0.0/go.mod")).Write([]byte("module " + module + "\n")))
		w.Close()
		return out.Bytes()
	}
	return nil
}

func main() {
	make_all()
	if err := os.WriteFile(os.Args[1], roots.Bytes(), 0o644); err != nil {
		panic(err)
	}
	config := &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if cert, ok := kinds[hello.ServerName]; ok {
			return &cert, nil
		}
		return nil, fmt.Errorf("no certificate for %q", hello.ServerName)
	}}
	secure := must(tls.Listen("tcp", "127.0.0.1:0", config))
	quiet := http.Server{ErrorLog: nil, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		module, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/@v/")
		if content := file(module, name); content != nil {
			w.Write(content)
			return
		}
		http.NotFound(w, r)
	})}
	go quiet.Serve(secure)
	plain := must(net.Listen("tcp", "127.0.0.1:0"))
	fmt.Println(plain.Addr().(*net.TCPAddr).Port, strings.Join(order, " "))
	os.Stdout.Close()
	go func() {
		// Whoever started this is gone.
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	http.Serve(plain, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodConnect {
			client, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				return
			}
			defer client.Close()
			server, err := net.Dial("tcp", secure.Addr().String())
			if err != nil {
				return
			}
			defer server.Close()
			io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n")
			go io.Copy(server, client)
			io.Copy(client, server)
			return
		}
		kind := strings.Split(strings.TrimPrefix(r.URL.Path, "/example.test/"), "/")[0]
		http.Redirect(w, r, "https://"+kind+".test"+r.URL.Path, http.StatusFound)
	}))
}
