// The peer gorilla/websocket: an echo and rooms. See ../../README.md for the command line.
package main

import (
	"flag"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const (
	messageLimit = 2 << 20
	queued       = 256 // messages that a member may be behind before it is cut
)

var upgrader = websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}

func open(w http.ResponseWriter, r *http.Request) *websocket.Conn {
	connection, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return nil
	}
	connection.SetReadLimit(messageLimit)
	return connection
}

func echo(w http.ResponseWriter, r *http.Request) {
	connection := open(w, r)
	if connection == nil {
		return
	}
	defer connection.Close()
	for {
		kind, data, err := connection.ReadMessage()
		if err != nil || connection.WriteMessage(kind, data) != nil {
			return
		}
	}
}

// As in the library's own chat example: a goroutine for each member writes what comes through its channel. The
// message is prepared once for all.
type member struct {
	connection *websocket.Conn
	queue      chan *websocket.PreparedMessage
}

var (
	gate  sync.RWMutex
	rooms = map[string]map[*member]struct{}{}
)

func (m *member) write() {
	for message := range m.queue {
		_ = m.connection.SetWriteDeadline(time.Now().Add(10 * time.Second))
		if m.connection.WritePreparedMessage(message) != nil {
			_ = m.connection.Close()
		}
	}
}

func room(w http.ResponseWriter, r *http.Request) {
	connection := open(w, r)
	if connection == nil {
		return
	}
	defer connection.Close()
	me := &member{connection, make(chan *websocket.PreparedMessage, queued)}
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
		kind, data, err := connection.ReadMessage()
		if err != nil {
			return
		}
		message, err := websocket.NewPreparedMessage(kind, data)
		if err != nil {
			return
		}
		gate.RLock()
		for other := range rooms[r.URL.Path] {
			if other == me {
				continue
			}
			select {
			case other.queue <- message:
			default:
				_ = other.connection.Close()
			}
		}
		gate.RUnlock()
	}
}

func main() {
	cert := flag.String("cert", "", "certificate, PEM")
	key := flag.String("key", "", "its key, PEM")
	flag.BoolVar(&upgrader.EnableCompression, "compress", false, "agree to permessage-deflate")
	flag.Parse()
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
