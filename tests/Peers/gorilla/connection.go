package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gorilla/websocket"
)

type message struct {
	kind int
	data []byte
}

// connection reads all the time, because the library handles pongs and close frames only while somebody reads.
type connection struct {
	*websocket.Conn
	messages chan message
	pongs    chan []byte
	ended    chan struct{} // closed after endedBy is set
	endedBy  error
}

func dial(dialer websocket.Dialer, url string, headers http.Header) (*connection, error) {
	conn, response, err := dialer.Dial(url, headers)
	if errors.Is(err, websocket.ErrBadHandshake) && response != nil {
		return nil, fmt.Errorf("handshake refused with status %d", response.StatusCode)
	}
	if err != nil {
		return nil, err
	}
	c := &connection{
		Conn:     conn,
		messages: make(chan message, 1000),
		pongs:    make(chan []byte, 16),
		ended:    make(chan struct{}),
	}
	conn.SetReadLimit(messageLimit)
	conn.SetPongHandler(func(payload string) error {
		c.pongs <- []byte(payload)
		return nil
	})
	go c.read()
	return c, nil
}

func (c *connection) read() {
	defer close(c.ended)
	for {
		kind, data, err := c.ReadMessage()
		if err != nil {
			c.endedBy = err
			return
		}
		c.messages <- message{kind, data}
	}
}

func (c *connection) roundTrip(kind int, data []byte) error {
	if err := c.WriteMessage(kind, data); err != nil {
		return err
	}
	return c.expect(kind, data)
}

func (c *connection) expect(kind int, data []byte) error {
	received, err := c.receive()
	switch {
	case err != nil:
		return err
	case received.kind != kind:
		return fmt.Errorf("%s message of %d bytes came back as %s", name(kind), len(data), name(received.kind))
	case !bytes.Equal(received.data, data):
		return fmt.Errorf("%s message of %d bytes came back changed (%d bytes)", name(kind), len(data), len(received.data))
	}
	return nil
}

func (c *connection) receive() (message, error) {
	select {
	case received := <-c.messages:
		return received, nil
	case <-c.ended:
	}
	select { // what came before the end still counts
	case received := <-c.messages:
		return received, nil
	default:
		return message{}, fmt.Errorf("closed too early: %w", c.endedBy)
	}
}

// fragmented sends the message in two writes with a ping between; the library cuts the writes into frames.
func (c *connection) fragmented(kind int, data []byte) error {
	writer, err := c.NextWriter(kind)
	if err != nil {
		return err
	}
	if _, err := writer.Write(data[:len(data)/2]); err != nil {
		return err
	}
	payload := []byte("in the middle")
	if err := c.ping(payload); err != nil {
		return err
	}
	if _, err := writer.Write(data[len(data)/2:]); err != nil {
		return err
	}
	if err := writer.Close(); err != nil {
		return err
	}
	if err := c.expectPong(payload); err != nil {
		return err
	}
	return c.expect(kind, data)
}

func (c *connection) ping(payload []byte) error {
	return c.WriteControl(websocket.PingMessage, payload, time.Now().Add(30*time.Second))
}

func (c *connection) expectPong(payload []byte) error {
	select {
	case pong := <-c.pongs:
		if !bytes.Equal(pong, payload) {
			return fmt.Errorf("pong with %d bytes instead of the ping's %d", len(pong), len(payload))
		}
		return nil
	case <-c.ended:
		return fmt.Errorf("closed before the pong: %w", c.endedBy)
	}
}

func (c *connection) close(code int, reason string) error {
	payload := websocket.FormatCloseMessage(code, reason)
	if err := c.WriteControl(websocket.CloseMessage, payload, time.Now().Add(30*time.Second)); err != nil {
		return err
	}
	<-c.ended
	if !websocket.IsCloseError(c.endedBy, code) {
		return fmt.Errorf("closed with %d, but this came back: %w", code, c.endedBy)
	}
	return c.Conn.Close()
}

func name(kind int) string {
	if kind == websocket.TextMessage {
		return "text"
	}
	return "binary"
}
