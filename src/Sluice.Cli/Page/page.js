// Ties the form, the socket and the log together.

import { InputError, readClose, readHex, readSubprotocols, readUrl, utf8Length } from './page-input.js';
import { Log } from './page-log.js';
import { abnormalClosure, bytes, closeCode, quantity, whyNotOpened } from './page-words.js';

const at = (id) => document.getElementById(id);
const log = new Log({ box: at('log'), list: at('lines'), dropped: at('dropped'), empty: at('empty'), newest: at('newest') });
const stateWords = { closed: 'Closed', opening: 'Opening…', open: 'Open', closing: 'Closing…' };
const counters = { sent: { messages: 0, bytes: 0 }, received: { messages: 0, bytes: 0 } };
const firstFields = { connection: 'url', send: 'message', close: 'code' };

let socket = null;
let state = 'closed';
let cancelled = false;

function enter(next) {
  state = next;
  at('state').dataset.state = next;
  at('state-word').textContent = stateWords[next];
  const closed = next === 'closed';
  at('open').disabled = !closed;
  at('url').readOnly = !closed;
  at('subprotocols').readOnly = !closed;
  for (const chip of document.querySelectorAll('[data-path]')) chip.disabled = !closed;
  at('send-button').disabled = next !== 'open';
  at('close-button').disabled = next !== 'open' && next !== 'opening';
  at('close-button').textContent = next === 'opening' ? 'Cancel' : 'Close';
  if (next === 'open' || closed) moveFocus(at(closed ? 'open' : 'message'));
}

/** Where a button was disabled under the focus, the focus goes on to what comes next; else it stays. */
function moveFocus(target) {
  const current = document.activeElement;
  if (current === document.body || current?.disabled || current?.readOnly) target.focus({ preventScroll: true });
}

/** Runs an action; what is wrong with the input is shown in its form, and the field to blame is marked. */
function attempt(formId, action) {
  complain(formId, '');
  try {
    action();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const field = error.field ?? firstFields[formId];
    complain(formId, error.message, field);
    at(field).focus();
  }
}

function complain(formId, text, field) {
  at(`${formId}-error`).textContent = text;
  for (const control of at(formId).querySelectorAll('input, textarea')) {
    control.ariaInvalid = control.id === field ? 'true' : null;
  }
}

function open() {
  const url = readUrl(at('url').value, location.href);
  const offered = readSubprotocols(at('subprotocols').value);
  let opened = false;
  try {
    socket = new WebSocket(url, offered);
  } catch (error) {
    throw new InputError(location.protocol === 'https:' && url.startsWith('ws:')
      ? 'This page came over HTTPS, so the browser allows only wss:// from it.'
      : `The browser does not take this: ${error.message}`);
  }
  cancelled = false;
  log.note(`Opening ${url}${offered.length === 0 ? '' : `, offering ${offered.join(', ')}`}`);
  enter('opening');

  socket.binaryType = 'arraybuffer';
  socket.onopen = ({ target }) => {
    opened = true;
    log.note(`Open, ${target.protocol === '' ? 'no subprotocol' : `subprotocol ${target.protocol}`}, ${target.extensions === '' ? 'no extension' : `extension ${target.extensions}`}`);
    enter('open');
  };
  socket.onmessage = ({ data }) => record('received', typeof data === 'string' ? data : new Uint8Array(data));
  socket.onclose = async ({ code, reason, wasClean }) => {
    enter('closed');
    if (cancelled) {
      log.note('Cancelled before it was open');
    } else if (!opened) {
      log.problem(`Could not open ${url}`);
      log.problem(await whyNotOpened(url, offered));
    } else if (wasClean) {
      log.note(`Closed with ${closeCode(code)}, ${reason === '' ? 'no reason given' : `reason: ${reason}`}`);
    } else {
      log.problem(abnormalClosure);
    }
  };
}

function send() {
  // The socket may know of a close before the page is told.
  if (state !== 'open' || socket.readyState !== WebSocket.OPEN) {
    throw new InputError('The socket is not open: press Open first.');
  }
  const text = at('message').value;
  const data = sendsHex() ? readHex(text) : text;
  socket.send(data);
  record('sent', data);
  // Enter again repeats the message, and typing replaces it.
  at('message').select();
}

function close() {
  if (state === 'opening') {
    cancelled = true;
    socket.close();
  } else if (state === 'open') {
    const [code, reason] = readClose(at('code').value, at('reason').value);
    log.note(`Closing with ${code === undefined ? 'no code' : closeCode(code)}${reason === undefined ? '' : `, reason: ${reason}`}`);
    enter('closing');
    // An argument that is undefined counts as left out.
    socket.close(code, reason);
  }
}

function record(side, data) {
  const size = typeof data === 'string' ? utf8Length(data) : data.length;
  counters[side].messages++;
  counters[side].bytes += size;
  log.message(side, data, size);
  showCounter(side);
}

function showCounter(side) {
  at(side).textContent = `${quantity(counters[side].messages, 'message')}, ${bytes(counters[side].bytes)}`;
}

const sendsHex = () => document.querySelector('input[name=type]:checked').value === 'hex';

function measureMessage() {
  const text = at('message').value;
  let size = '';
  try {
    size = bytes(sendsHex() ? readHex(text).length : utf8Length(text));
    complain('send', '');
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    // Half-typed hex is no mistake yet; one already shown is kept up to date.
    if (at('send-error').textContent !== '') complain('send', error.message, 'message');
  }
  at('message-size').textContent = size;
}

function measureReason() {
  const size = utf8Length(at('reason').value);
  at('reason-size').textContent = size === 0 ? 'optional' : `${size} / 123 bytes`;
  at('reason-size').classList.toggle('over', size > 123);
}

function switchType() {
  at('message').placeholder = sendsHex() ? '48 65 6c 6c 6f' : 'Hello';
  complain('send', '');
  measureMessage();
}

const trySend = () => attempt('send', send);

const onSubmit = (id, action) => at(id).addEventListener('submit', (event) => {
  event.preventDefault();
  action();
});

onSubmit('connection', () => { if (state === 'closed') attempt('connection', open); });
onSubmit('send', trySend);
onSubmit('close', () => attempt('close', close));

at('message').addEventListener('keydown', (event) => {
  // An Enter that confirms an input method's suggestion is not meant for us.
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  trySend();
});
at('message').addEventListener('input', measureMessage);
at('reason').addEventListener('input', measureReason);
for (const radio of document.querySelectorAll('input[name=type]')) radio.addEventListener('change', switchType);

at('clear').addEventListener('click', () => {
  log.clear();
  for (const side of ['sent', 'received']) {
    counters[side] = { messages: 0, bytes: 0 };
    showCounter(side);
  }
});

/** An endpoint beside this page, also where a proxy has put both under a prefix. */
const here = (path) => readUrl(`.${path}`, location.href);

for (const chip of document.querySelectorAll('[data-path]')) {
  chip.addEventListener('click', () => {
    at('url').value = here(chip.dataset.path);
    complain('connection', '');
    at('open').focus();
  });
}

at('url').value ||= here('/echo');
enter('closed');
switchType();
measureReason();
