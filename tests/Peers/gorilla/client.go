package main

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gorilla/websocket"
)

var errUnsupported = errors.New("unsupported")

var sizes = []int{0, 1, 125, 126, 127, 65535, 65536, 1024 * 1024}

var scenarios = map[string]func(c *connection, name string) (string, error){
	"echo":        echoScenario,
	"fragments":   fragmentsScenario,
	"ping":        pingScenario,
	"close":       func(*connection, string) (string, error) { return "closed with 1000", nil },
	"subprotocol": subprotocolScenario,
	"burst":       burstScenario,
}

// runClient runs one scenario against an echo server and returns a line of details.
func runClient(url, scenario, name string, headers http.Header) (string, error) {
	run, found := scenarios[scenario]
	if !found {
		return "", errors.New("no such scenario")
	}
	dialer := websocket.Dialer{HandshakeTimeout: 30 * time.Second}
	switch {
	case scenario == "subprotocol" && name == "":
		return "", errors.New("the name of a subprotocol is missing")
	case scenario == "subprotocol":
		dialer.Subprotocols = []string{"x.unknown", name}
	case scenario == "fragments":
		dialer.WriteBufferSize = fragmentSize
	}
	c, err := dial(dialer, url, headers)
	if err != nil {
		return "", err
	}
	details, err := run(c, name)
	if err != nil {
		return "", err
	}
	return details, c.close(websocket.CloseNormalClosure, "done")
}

func echoScenario(c *connection, _ string) (string, error) {
	for _, size := range sizes {
		if err := c.roundTrip(websocket.TextMessage, textOf(size)); err != nil {
			return "", err
		}
		if err := c.roundTrip(websocket.BinaryMessage, bytesOf(size)); err != nil {
			return "", err
		}
	}
	if err := c.roundTrip(websocket.TextMessage, []byte("Grüße, 世界 🚪 \x00")); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d messages up to %d bytes", 2*len(sizes)+1, sizes[len(sizes)-1]), nil
}

// The library sends a frame whenever its write buffer is full, so a small buffer makes many fragments.
const fragmentSize = 256

func fragmentsScenario(c *connection, _ string) (string, error) {
	text := []byte{}
	for i := 0; i < 100; i++ {
		text = append(text, "à la carte — 世界 🚪"...)
	}
	if err := c.fragmented(websocket.TextMessage, text); err != nil {
		return "", err
	}
	if err := c.fragmented(websocket.BinaryMessage, bytesOf(70_000)); err != nil {
		return "", err
	}
	return fmt.Sprintf("a text and a binary message in fragments of %d bytes, a ping between", fragmentSize), nil
}

func pingScenario(c *connection, _ string) (string, error) {
	for _, payload := range [][]byte{{}, []byte("are you there?"), bytesOf(125)} {
		if err := c.ping(payload); err != nil {
			return "", err
		}
		if err := c.expectPong(payload); err != nil {
			return "", err
		}
	}
	return "3 pings answered", nil
}

func subprotocolScenario(c *connection, name string) (string, error) {
	if c.Subprotocol() != name {
		return "", fmt.Errorf("subprotocol '%s' agreed instead of '%s'", c.Subprotocol(), name)
	}
	return "subprotocol " + name, nil
}

func burstScenario(c *connection, _ string) (string, error) {
	const count = 1000
	message := func(i int) (int, []byte) {
		text := fmt.Sprintf("%-*s", 20+i%200, fmt.Sprintf("message %d", i))
		if i%2 == 1 {
			return websocket.BinaryMessage, []byte(text)
		}
		return websocket.TextMessage, []byte(text)
	}
	sent := make(chan error, 1)
	go func() {
		for i := 0; i < count; i++ {
			if err := c.WriteMessage(message(i)); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	for i := 0; i < count; i++ {
		if err := c.expect(message(i)); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d messages in order", count), <-sent
}

func textOf(size int) []byte {
	text := make([]byte, size)
	for i := range text {
		text[i] = byte('a' + i%26)
	}
	return text
}

func bytesOf(size int) []byte {
	data := make([]byte, size)
	for i := range data {
		data[i] = byte((i*31 + size) % 251)
	}
	return data
}
