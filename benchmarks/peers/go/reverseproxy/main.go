// The peer httputil.ReverseProxy of Go's standard library, in front of one backend.
package main

import (
	"flag"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
)

func main() {
	to := flag.String("to", "", "the backend's URL")
	flag.Parse()
	backend, err := url.Parse(*to)
	if err != nil || backend.Host == "" {
		log.Fatal("--to wants the backend's URL")
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("listening %d", listener.Addr().(*net.TCPAddr).Port)
	proxy := httputil.NewSingleHostReverseProxy(backend)
	proxy.ErrorLog = log.New(io.Discard, "", 0) // clients that vanish are no news here
	log.Fatal(http.Serve(listener, proxy))
}
