import WebSocket from 'ws';

export class Unsupported extends Error {}

/** Runs one scenario against an echo server; the value is a line of details, a failure is thrown. */
export async function runClient(url, scenario, name, options) {
  if (!Object.hasOwn(scenarios, scenario)) throw new Error('no such scenario');
  if (scenario === 'subprotocol' && name === undefined) throw new Error('the name of a subprotocol is missing');
  const connection = await Connection.open(url, scenario === 'subprotocol' ? ['x.unknown', name] : [], options);
  const details = await scenarios[scenario](connection, name);
  await connection.close(1000, 'done');
  return details;
}

const sizes = [0, 1, 125, 126, 127, 65535, 65536, 1024 * 1024];

const scenarios = {
  async echo(connection) {
    for (const size of sizes) {
      await connection.roundTrip(textOf(size), false);
      await connection.roundTrip(bytesOf(size), true);
    }
    await connection.roundTrip(Buffer.from('Grüße, 世界 🚪 \u0000'), false);
    return `${2 * sizes.length + 1} messages up to ${sizes.at(-1)} bytes`;
  },

  async fragments(connection) {
    const text = Buffer.from('à la carte — 世界 🚪'.repeat(20));
    const parts = [text.subarray(0, 1), text.subarray(1, 100), text.subarray(100, 100), text.subarray(100)];
    await connection.fragmented(parts, false);
    const bytes = bytesOf(70_000);
    await connection.fragmented([bytes.subarray(0, 10), bytes.subarray(10, 66_000), bytes.subarray(66_000)], true);
    return 'a text message in 4 fragments, a binary one in 3, pings between';
  },

  async ping(connection) {
    for (const payload of [Buffer.alloc(0), Buffer.from('are you there?'), bytesOf(125)]) await connection.ping(payload);
    return '3 pings answered';
  },

  async close() {
    return 'closed with 1000';
  },

  async subprotocol(connection, name) {
    if (connection.subprotocol !== name) {
      throw new Error(`subprotocol '${connection.subprotocol}' agreed instead of '${name}'`);
    }
    return `subprotocol ${name}`;
  },

  async burst(connection) {
    const count = 1000;
    const messageOf = (i) => Buffer.from(`message ${i} `.padEnd(20 + (i % 200), '.'));
    for (let i = 0; i < count; i++) connection.send(messageOf(i), i % 2 === 1);
    for (let i = 0; i < count; i++) await connection.expect(messageOf(i), i % 2 === 1);
    return `${count} messages in order`;
  },
};

const textOf = (size) => Buffer.from(Array.from({ length: size }, (_, i) => 97 + (i % 26)));
const bytesOf = (size) => Buffer.from(Array.from({ length: size }, (_, i) => (i * 31 + size) % 251));

/** What arrives, in order, whether somebody waits for it already or not. */
class Inbox {
  #items = [];
  #waiter;
  #failure;

  put(item) {
    this.#items.push(item);
    this.#waiter?.();
  }

  fail(error) {
    this.#failure ??= error;
    this.#waiter?.();
  }

  async take() {
    while (this.#items.length === 0) {
      if (this.#failure) throw this.#failure;
      await new Promise((resolve) => (this.#waiter = resolve));
    }
    return this.#items.shift();
  }
}

class Connection {
  #webSocket;
  #messages = new Inbox();
  #pongs = new Inbox();
  #closes = new Inbox();

  static async open(url, subprotocols, { origin, headers, deflate }) {
    const webSocket = new WebSocket(url, subprotocols, {
      origin,
      headers,
      perMessageDeflate: deflate,
      handshakeTimeout: 30_000,
    });
    const connection = new Connection(webSocket);
    await new Promise((resolve, reject) => {
      webSocket.once('open', resolve);
      webSocket.once('error', reject);
      webSocket.once('unexpected-response', (_request, response) => {
        reject(new Error(`handshake refused with status ${response.statusCode}`));
      });
    });
    if (deflate && !webSocket.extensions.startsWith('permessage-deflate')) throw new Error('the server agreed to no compression');
    return connection;
  }

  constructor(webSocket) {
    this.#webSocket = webSocket;
    // Attached before the connection opens, so that nothing that comes with the handshake is missed.
    webSocket.on('message', (data, isBinary) => this.#messages.put({ data, isBinary }));
    webSocket.on('pong', (data) => this.#pongs.put(data));
    webSocket.on('error', (error) => this.#end(error));
    webSocket.on('close', (code, reason) => {
      this.#closes.put({ code, reason: reason.toString() });
      this.#end(new Error(`closed too early, with ${code} '${reason}'`));
    });
  }

  get subprotocol() {
    return this.#webSocket.protocol;
  }

  send(data, binary) {
    this.#webSocket.send(data, { binary });
  }

  async roundTrip(data, binary) {
    this.send(data, binary);
    await this.expect(data, binary);
  }

  async expect(data, binary) {
    const received = await this.#messages.take();
    if (received.isBinary !== binary) {
      throw new Error(`${kind(binary)} message of ${data.length} bytes came back as ${kind(received.isBinary)}`);
    }
    if (!received.data.equals(data)) {
      throw new Error(`${kind(binary)} message of ${data.length} bytes came back changed (${received.data.length} bytes)`);
    }
  }

  async fragmented(parts, binary) {
    parts.forEach((part, i) => {
      const last = i === parts.length - 1;
      this.#webSocket.send(part, { binary, fin: last });
      if (!last) this.#webSocket.ping(`after fragment ${i}`);
    });
    for (let i = 0; i < parts.length - 1; i++) await this.#expectPong(Buffer.from(`after fragment ${i}`));
    await this.expect(Buffer.concat(parts), binary);
  }

  async ping(payload) {
    this.#webSocket.ping(payload);
    await this.#expectPong(payload);
  }

  async close(code, reason) {
    this.#webSocket.close(code, reason);
    const closed = await this.#closes.take();
    if (closed.code !== code) throw new Error(`closed with ${code}, but ${closed.code} '${closed.reason}' came back`);
  }

  async #expectPong(payload) {
    const pong = await this.#pongs.take();
    if (!pong.equals(payload)) throw new Error(`pong with ${pong.length} bytes instead of the ping's ${payload.length}`);
  }

  #end(error) {
    this.#messages.fail(error);
    this.#pongs.fail(error);
    this.#closes.fail(error);
  }
}

const kind = (binary) => (binary ? 'binary' : 'text');
