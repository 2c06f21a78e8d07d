import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

const refusal = 'not today\n';

/** Starts the echo server on 127.0.0.1 and prints `listening <port>`; ends with stdin or a signal. */
export function runServer(port, subprotocols, deflate) {
  const http = createServer(answerPlainHttp);
  const webSockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: deflate,
    maxPayload: 64 * 1024 * 1024,
    handleProtocols: (offered) => subprotocols.find((name) => offered.has(name)) ?? false,
  });

  http.on('upgrade', (request, socket, head) => {
    socket.on('error', () => {});
    const url = new URL(request.url, 'http://peer');
    const endpoint = endpoints[url.pathname];
    if (url.pathname === '/refuse') {
      refuse(socket, '403 Forbidden', refusal, 'X-Reason: refused by the backend\r\n');
    } else if (endpoint === undefined) {
      refuse(socket, '404 Not Found', 'no such path\n');
    } else {
      // Corked, the 101 and what the endpoint sends at once leave in one segment: the client must lose nothing of it.
      socket.cork();
      webSockets.handleUpgrade(request, socket, head, (webSocket) => {
        webSocket.on('error', () => {});
        endpoint(webSocket, request, url.searchParams);
      });
      process.nextTick(() => socket.uncork());
    }
  });

  http.listen(port, '127.0.0.1', () => console.log(`listening ${http.address().port}`));
  process.stdin.on('end', () => process.exit(0)).resume();
  process.on('SIGTERM', () => process.exit(0));
  process.on('SIGINT', () => process.exit(0));
}

const endpoints = {
  '/echo': echo,
  '/early': (webSocket) => {
    echo(webSocket);
    webSocket.send('early');
  },
  '/headers': (webSocket, request) => {
    echo(webSocket);
    webSocket.send(JSON.stringify(joinedHeaders(request)));
  },
  '/close': (webSocket, _request, query) => {
    webSocket.close(Number(query.get('code') ?? 1000), query.get('reason') ?? '');
  },
};

function echo(webSocket) {
  webSocket.on('message', (data, isBinary) => webSocket.send(data, { binary: isBinary }));
}

function joinedHeaders(request) {
  const distinct = Object.entries(request.headersDistinct);
  return Object.fromEntries(distinct.map(([name, values]) => [name, values.join(', ')]));
}

function refuse(socket, status, body, headers = '') {
  socket.end(
    `HTTP/1.1 ${status}\r\n${headers}Content-Type: text/plain\r\nContent-Length: ${body.length}\r\n` +
      `Connection: close\r\n\r\n${body}`,
  );
}

function answerPlainHttp(request, response) {
  const found = request.method === 'GET' && new URL(request.url, 'http://peer').pathname === '/hello';
  response.writeHead(found ? 200 : 404, { 'Content-Type': 'text/plain' });
  response.end(found ? 'hello from node-ws' : 'no such path\n');
}
