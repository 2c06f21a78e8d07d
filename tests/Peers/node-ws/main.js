// The peer `ws` (npm): an echo server and a client with scenarios. See ../README.md for the command line.
import { runClient, Unsupported } from './client.js';
import { runServer } from './server.js';

const usage = `usage: node-ws server [--port N] [--subprotocol NAME]... [--deflate PARAMETERS]
       node-ws client URL SCENARIO [NAME] [--origin O] [--header 'Name: value']... [--deflate PARAMETERS]`;

function fail(message, exitCode) {
  process.stderr.write(`${message}\n`);
  process.exit(exitCode);
}

/** Splits the arguments into positional ones and options, each option a list of its values. */
function parse(args, names) {
  const positional = [];
  const options = Object.fromEntries(names.map((name) => [name, []]));
  for (let i = 0; i < args.length; i++) {
    if (!args[i].startsWith('--')) {
      positional.push(args[i]);
      continue;
    }
    const name = args[i].slice(2);
    if (!Object.hasOwn(options, name) || i + 1 === args.length) fail(`bad option ${args[i]}\n${usage}`, 2);
    options[name].push(args[++i]);
  }
  return { positional, options };
}

function parseHeaders(lines) {
  const headers = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon < 1) fail(`--header wants 'Name: value', not '${line}'`, 2);
    const name = line.slice(0, colon).trim();
    const value = line.slice(colon + 1).trim();
    headers[name] = Object.hasOwn(headers, name) ? [].concat(headers[name], value) : value;
  }
  return headers;
}

const deflateOptions = {
  server_no_context_takeover: 'serverNoContextTakeover',
  client_no_context_takeover: 'clientNoContextTakeover',
  server_max_window_bits: 'serverMaxWindowBits',
  client_max_window_bits: 'clientMaxWindowBits',
};

/** Turns `server_no_context_takeover,client_max_window_bits=10` into the library's option; without, it does not compress. */
function parseDeflate(parameters) {
  if (parameters === undefined) return false;
  const options = { threshold: 0 };
  for (const parameter of parameters.split(',').filter((part) => part !== '')) {
    const [name, value] = parameter.split('=');
    if (!Object.hasOwn(deflateOptions, name)) fail(`--deflate knows no ${name}`, 2);
    options[deflateOptions[name]] = value === undefined ? true : Number(value);
  }
  return options;
}

async function client(args) {
  const { positional, options } = parse(args, ['origin', 'header', 'deflate']);
  const [url, scenario, name] = positional;
  if (scenario === undefined) fail(usage, 2);
  setTimeout(() => fail(`scenario ${scenario}: not done after 60 s`, 1), 60_000).unref();
  try {
    const details = await runClient(url, scenario, name, {
      origin: options.origin[0],
      headers: parseHeaders(options.header),
      deflate: parseDeflate(options.deflate[0]),
    });
    process.stdout.write(`ok ${details}\n`, () => process.exit(0));
  } catch (error) {
    if (error instanceof Unsupported) process.stdout.write('unsupported\n', () => process.exit(64));
    else fail(`scenario ${scenario}: ${error.message}`, 1);
  }
}

const [verb, ...rest] = process.argv.slice(2);
if (verb === 'server') {
  const { options } = parse(rest, ['port', 'subprotocol', 'deflate']);
  runServer(Number(options.port[0] ?? 0), options.subprotocol, parseDeflate(options.deflate[0]));
} else if (verb === 'client') {
  await client(rest);
} else {
  fail(usage, 2);
}
