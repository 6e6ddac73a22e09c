package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	"k8s.io/client-go/tools/cache"
)

// serve listens on loopback with a certificate of its own making: logs as a kubelet, token reviews for the API server.
// The channel gets the error that ends it.
func serve(ctx context.Context, port int, pods cache.Store, runs *runTimes, secret []byte) (<-chan error, error) {
	certificate, err := selfSigned()
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return nil, err
	}
	handler := http.NewServeMux()
	handler.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", func(answer http.ResponseWriter, request *http.Request) {
		serveLogs(answer, request, pods, runs)
	})
	handler.HandleFunc("POST /authenticate", func(answer http.ResponseWriter, request *http.Request) {
		reviewToken(answer, request, secret)
	})
	server := &http.Server{Handler: handler, TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}}, ReadHeaderTimeout: 10 * time.Second}
	stopped := make(chan error, 1)
	go func() { stopped <- server.ServeTLS(listener, "", "") }()
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	return stopped, nil
}

func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "fake-node"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(365 * 24 * time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

// identity is what a test user's token says; see users.ts, which makes them.
type identity struct {
	Name    string   `json:"name"`
	Groups  []string `json:"groups"`
	Expires int64    `json:"expires"` // milliseconds since 1970
}

// reviewToken answers the API server's TokenReview. A token is test.<base64url JSON>.<base64url HMAC-SHA256 of that>.
func reviewToken(answer http.ResponseWriter, request *http.Request, secret []byte) {
	review := authenticationv1.TokenReview{}
	if err := json.NewDecoder(request.Body).Decode(&review); err != nil {
		http.Error(answer, err.Error(), http.StatusBadRequest)
		return
	}
	who, err := readToken(review.Spec.Token, secret)
	if err != nil {
		review.Status = authenticationv1.TokenReviewStatus{Error: err.Error()}
	} else {
		review.Status = authenticationv1.TokenReviewStatus{
			Authenticated: true,
			User:          authenticationv1.UserInfo{Username: who.Name, UID: "test:" + who.Name, Groups: who.Groups},
		}
	}
	answer.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(answer).Encode(review)
}

func readToken(token string, secret []byte) (identity, error) {
	who := identity{}
	parts := strings.Split(token, ".")
	if len(parts) != 3 || parts[0] != "test" {
		return who, fmt.Errorf("not a token of this test cluster")
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(parts[1]))
	if given, err := base64.RawURLEncoding.DecodeString(parts[2]); err != nil || !hmac.Equal(given, mac.Sum(nil)) {
		return who, fmt.Errorf("the token's signature is wrong")
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return who, err
	}
	if err := json.Unmarshal(text, &who); err != nil {
		return who, err
	}
	if time.Now().UnixMilli() >= who.Expires {
		return who, fmt.Errorf("the token has expired")
	}
	return who, nil
}
