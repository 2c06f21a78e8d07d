// The peer golang.org/x/net/websocket: an echo and rooms. See ../../README.md for the command line.
package main

import (
	"flag"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/websocket"
)

const (
	messageLimit = 2 << 20
	queued       = 256 // messages that a member may be behind before it is cut
)

// The library tells text from binary only by what is received into; the echo answers with what came.
type message struct {
	kind byte
	data []byte
}

var codec = websocket.Codec{
	Marshal: func(value interface{}) ([]byte, byte, error) {
		m := value.(*message)
		return m.data, m.kind, nil
	},
	Unmarshal: func(data []byte, kind byte, value interface{}) error {
		*value.(*message) = message{kind, data}
		return nil
	},
}

func echo(connection *websocket.Conn) {
	connection.MaxPayloadBytes = messageLimit
	for {
		var m message
		if codec.Receive(connection, &m) != nil || codec.Send(connection, &m) != nil {
			return
		}
	}
}

type member struct {
	connection *websocket.Conn
	queue      chan *message
}

var (
	gate  sync.RWMutex
	rooms = map[string]map[*member]struct{}{}
)

func (m *member) write() {
	for next := range m.queue {
		_ = m.connection.SetWriteDeadline(time.Now().Add(10 * time.Second))
		if codec.Send(m.connection, next) != nil {
			_ = m.connection.Close()
		}
	}
}

func room(connection *websocket.Conn) {
	connection.MaxPayloadBytes = messageLimit
	name := connection.Request().URL.Path
	me := &member{connection, make(chan *message, queued)}
	gate.Lock()
	if rooms[name] == nil {
		rooms[name] = map[*member]struct{}{}
	}
	rooms[name][me] = struct{}{}
	gate.Unlock()
	go me.write()
	defer func() {
		gate.Lock()
		delete(rooms[name], me)
		close(me.queue)
		gate.Unlock()
	}()
	for {
		var m message
		if codec.Receive(connection, &m) != nil {
			return
		}
		gate.RLock()
		for other := range rooms[name] {
			if other == me {
				continue
			}
			select {
			case other.queue <- &m:
			default:
				_ = other.connection.Close()
			}
		}
		gate.RUnlock()
	}
}

// A Server without a handshake function of its own takes every origin, and none.
func server(handler websocket.Handler) http.Handler { return websocket.Server{Handler: handler} }

func main() {
	cert := flag.String("cert", "", "certificate, PEM")
	key := flag.String("key", "", "its key, PEM")
	flag.Parse()
	http.Handle("/echo", server(echo))
	http.Handle("/rooms/", server(room))
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("listening %d", listener.Addr().(*net.TCPAddr).Port)
	if *cert != "" {
		log.Fatal(http.ServeTLS(listener, nil, *cert, *key))
	}
	log.Fatal(http.Serve(listener, nil))
}
