// The peer gorilla/websocket: an echo server and a client with scenarios.
// See ../README.md for the command line.
package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

const usage = `usage: gorilla server [--port N] [--subprotocol NAME]...
       gorilla client URL SCENARIO [NAME] [--origin O] [--header 'Name: value']...`

const timeout = 60 * time.Second

func fail(exitCode int, format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", arguments...)
	os.Exit(exitCode)
}

// parse splits the arguments into positional ones and options, each option a list of its values.
func parse(arguments []string, names ...string) (positional []string, options map[string][]string) {
	options = map[string][]string{}
	for i := 0; i < len(arguments); i++ {
		if !strings.HasPrefix(arguments[i], "--") {
			positional = append(positional, arguments[i])
			continue
		}
		name := arguments[i][2:]
		if !contains(names, name) || i+1 == len(arguments) {
			fail(2, "bad option %s\n%s", arguments[i], usage)
		}
		i++
		options[name] = append(options[name], arguments[i])
	}
	return positional, options
}

func contains(names []string, wanted string) bool {
	for _, name := range names {
		if name == wanted {
			return true
		}
	}
	return false
}

func parseHeaders(origins, lines []string) http.Header {
	headers := http.Header{}
	for _, origin := range origins {
		headers.Set("Origin", origin)
	}
	for _, line := range lines {
		name, value, found := strings.Cut(line, ":")
		if !found || strings.TrimSpace(name) == "" {
			fail(2, "--header wants 'Name: value', not '%s'", line)
		}
		headers.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	return headers
}

func server(arguments []string) {
	_, options := parse(arguments, "port", "subprotocol")
	port := 0
	if values := options["port"]; len(values) > 0 {
		var err error
		if port, err = strconv.Atoi(values[0]); err != nil {
			fail(2, "--port wants a number, not '%s'", values[0])
		}
	}
	if err := runServer(port, options["subprotocol"]); err != nil {
		fail(1, "%v", err)
	}
}

func client(arguments []string) {
	positional, options := parse(arguments, "origin", "header")
	if len(positional) < 2 {
		fail(2, usage)
	}
	url, scenario, name := positional[0], positional[1], strings.Join(positional[2:], " ")
	time.AfterFunc(timeout, func() { fail(1, "scenario %s: not done after %v", scenario, timeout) })
	details, err := runClient(url, scenario, name, parseHeaders(options["origin"], options["header"]))
	switch {
	case errors.Is(err, errUnsupported):
		fmt.Println("unsupported")
		os.Exit(64)
	case err != nil:
		fail(1, "scenario %s: %v", scenario, err)
	}
	fmt.Println("ok", details)
}

func main() {
	if len(os.Args) < 2 {
		fail(2, usage)
	}
	switch os.Args[1] {
	case "server":
		server(os.Args[2:])
	case "client":
		client(os.Args[2:])
	default:
		fail(2, usage)
	}
}
