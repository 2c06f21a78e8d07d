package main

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gorilla/websocket"
)

const messageLimit = 64 << 20

// runServer serves on 127.0.0.1 after printing `listening <port>`; it ends with stdin or a signal.
func runServer(port int, subprotocols []string) error {
	upgrader := websocket.Upgrader{
		Subprotocols: subprotocols,
		CheckOrigin:  func(*http.Request) bool { return true },
	}
	listener, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", endpoint(upgrader, echo))
	mux.HandleFunc("/early", endpoint(upgrader, early))
	mux.HandleFunc("/headers", endpoint(upgrader, headers))
	mux.HandleFunc("/close", endpoint(upgrader, closeAsAsked))
	mux.HandleFunc("/refuse", refuse)
	mux.HandleFunc("/hello", hello)

	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-signals
		os.Exit(0)
	}()

	fmt.Printf("listening %d\n", listener.Addr().(*net.TCPAddr).Port)
	quiet := log.New(io.Discard, "", 0)
	return (&http.Server{Handler: mux, ErrorLog: quiet}).Serve(listener)
}

func endpoint(upgrader websocket.Upgrader, handle func(*websocket.Conn, *http.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/early" {
			w = &corkedWriter{w}
		}
		connection, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer connection.Close()
		connection.SetReadLimit(messageLimit)
		handle(connection, r)
	}
}

func echo(connection *websocket.Conn, _ *http.Request) {
	for {
		kind, data, err := connection.ReadMessage()
		if err != nil || connection.WriteMessage(kind, data) != nil {
			return
		}
	}
}

func early(connection *websocket.Conn, r *http.Request) {
	if connection.WriteMessage(websocket.TextMessage, []byte("early")) == nil {
		echo(connection, r)
	}
}

func headers(connection *websocket.Conn, r *http.Request) {
	joined := map[string]string{"host": r.Host}
	for name, values := range r.Header {
		joined[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	if connection.WriteJSON(joined) == nil {
		echo(connection, r)
	}
}

func closeAsAsked(connection *websocket.Conn, r *http.Request) {
	code, err := strconv.Atoi(r.URL.Query().Get("code"))
	if err != nil {
		code = websocket.CloseNormalClosure
	}
	payload := websocket.FormatCloseMessage(code, r.URL.Query().Get("reason"))
	deadline := time.Now().Add(10 * time.Second)
	if connection.WriteControl(websocket.CloseMessage, payload, deadline) != nil {
		return
	}
	_ = connection.SetReadDeadline(deadline)
	for {
		if _, _, err := connection.NextReader(); err != nil {
			return
		}
	}
}

func refuse(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("X-Reason", "refused by the backend")
	w.Header().Set("Content-Type", "text/plain")
	w.WriteHeader(http.StatusForbidden)
	_, _ = io.WriteString(w, "not today\n")
}

func hello(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	_, _ = io.WriteString(w, "hello from gorilla")
}

// corkedWriter hands out a connection that holds the 101 back until the first frame, so that both leave in one
// segment: a client must lose nothing of it.
type corkedWriter struct{ http.ResponseWriter }

func (w *corkedWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	connection, buffered, err := w.ResponseWriter.(http.Hijacker).Hijack()
	if err != nil {
		return nil, nil, err
	}
	// Upgrade writes to the connection itself and takes only the buffers' memory from here.
	return &corkedConn{Conn: connection}, buffered, nil
}

type corkedConn struct {
	net.Conn
	held     []byte
	uncorked bool
}

func (c *corkedConn) Write(data []byte) (int, error) {
	if c.uncorked {
		return c.Conn.Write(data)
	}
	if c.held == nil {
		c.held = append([]byte{}, data...)
		return len(data), nil
	}
	c.uncorked = true
	if _, err := c.Conn.Write(append(c.held, data...)); err != nil {
		return 0, err
	}
	return len(data), nil
}
