// The peer nhooyr.io/websocket (now coder/websocket): an echo and rooms. See ../../README.md for the command line.
package main

import (
	"context"
	"flag"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"nhooyr.io/websocket"
)

const (
	messageLimit = 2 << 20
	queued       = 256 // messages that a member may be behind before it is cut
)

var compression = websocket.CompressionDisabled

func open(w http.ResponseWriter, r *http.Request) *websocket.Conn {
	connection, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		InsecureSkipVerify: true,
		CompressionMode:    compression,
	})
	if err != nil {
		return nil
	}
	connection.SetReadLimit(messageLimit)
	return connection
}

// The library's Reader and Writer would send each message in two frames; Read and Write send one.
func echo(w http.ResponseWriter, r *http.Request) {
	connection := open(w, r)
	if connection == nil {
		return
	}
	defer connection.Close(websocket.StatusInternalError, "")
	ctx := context.Background()
	for {
		kind, data, err := connection.Read(ctx)
		if err != nil || connection.Write(ctx, kind, data) != nil {
			return
		}
	}
}

type message struct {
	kind websocket.MessageType
	data []byte
}

// As in the library's chat example: a goroutine for each member writes what comes through its channel.
type member struct {
	connection *websocket.Conn
	queue      chan message
}

var (
	gate  sync.RWMutex
	rooms = map[string]map[*member]struct{}{}
)

func (m *member) write() {
	for next := range m.queue {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		err := m.connection.Write(ctx, next.kind, next.data)
		cancel()
		if err != nil {
			return
		}
	}
}

func room(w http.ResponseWriter, r *http.Request) {
	connection := open(w, r)
	if connection == nil {
		return
	}
	defer connection.Close(websocket.StatusInternalError, "")
	me := &member{connection, make(chan message, queued)}
	gate.Lock()
	if rooms[r.URL.Path] == nil {
		rooms[r.URL.Path] = map[*member]struct{}{}
	}
	rooms[r.URL.Path][me] = struct{}{}
	gate.Unlock()
	go me.write()
	defer func() {
		gate.Lock()
		delete(rooms[r.URL.Path], me)
		close(me.queue)
		gate.Unlock()
	}()
	for {
		kind, data, err := connection.Read(context.Background())
		if err != nil {
			return
		}
		gate.RLock()
		for other := range rooms[r.URL.Path] {
			if other == me {
				continue
			}
			select {
			case other.queue <- message{kind, data}:
			default:
				go other.connection.Close(websocket.StatusPolicyViolation, "too slow")
			}
		}
		gate.RUnlock()
	}
}

func main() {
	cert := flag.String("cert", "", "certificate, PEM")
	key := flag.String("key", "", "its key, PEM")
	compress := flag.Bool("compress", false, "agree to permessage-deflate")
	flag.Parse()
	if *compress {
		compression = websocket.CompressionContextTakeover // when the client allows it, else without
	}
	http.HandleFunc("/echo", echo)
	http.HandleFunc("/rooms/", room)
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
