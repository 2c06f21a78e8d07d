// What people type, read into what WebSocket wants. Each function returns the value or throws an
// InputError, whose message says what to write instead.

export class InputError extends Error {
  /** field is the id of the control to blame, where it is not the form's first one. */
  constructor(message, field) {
    super(message);
    this.field = field;
  }
}

const encoder = new TextEncoder();

export const utf8Length = (text) => encoder.encode(text).length;

/** A WebSocket URL as a string; "/echo" alone means this server. */
export function readUrl(text, page) {
  const typed = text.trim();
  if (typed === '') throw new InputError('Write the URL of a WebSocket, such as ws://localhost:8080/echo.');
  let url;
  try {
    url = new URL(typed, page);
  } catch {
    throw new InputError(`“${short(typed)}” is not a URL. Write it like ws://localhost:8080/echo.`);
  }
  if (url.protocol === 'http:') url.protocol = 'ws:';
  if (url.protocol === 'https:') url.protocol = 'wss:';
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:') {
    throw new InputError(`A WebSocket URL starts with ws:// or wss://, this one with “${short(url.protocol)}”.`);
  }
  if (url.hash !== '' || typed.endsWith('#')) {
    throw new InputError('A WebSocket URL has no fragment: leave out the “#” and what follows (RFC 6455 §3).');
  }
  return url.href;
}

/** The subprotocols to offer: names apart by commas or spaces. */
export function readSubprotocols(text) {
  const names = text.split(/[\s,]/).filter((name) => name !== '');
  for (const [index, name] of names.entries()) {
    const bad = [...name].find((character) => !isTokenCharacter(character));
    if (bad !== undefined) {
      throw new InputError(`A subprotocol's name can't contain “${bad}”: take letters, digits, “.”, “-” and “_”.`, 'subprotocols');
    }
    if (names.indexOf(name) !== index) throw new InputError(`The subprotocol “${short(name)}” is offered twice.`, 'subprotocols');
  }
  return names;
}

// RFC 9110 §5.6.2: what a token is made of.
const isTokenCharacter = (character) =>
  character > ' ' && character < '\x7f' && !'"(),/:;<=>?@[\\]{}'.includes(character);

/** Bytes from hex digits: "48 65", "4865", "0x48, 0x65" and lines of them. */
export function readHex(text) {
  const bytes = new Uint8Array(text.length / 2);
  let length = 0;
  let high = -1;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (high < 0 && character === '0' && (text[at + 1] === 'x' || text[at + 1] === 'X')) {
      at++;
    } else if (isSeparator(character)) {
      if (high >= 0) throw halfByte(text, at);
    } else {
      const digit = hexDigit(character);
      if (digit < 0) throw notHex(text, at);
      if (high < 0) {
        high = digit;
      } else {
        bytes[length++] = high * 16 + digit;
        high = -1;
      }
    }
  }
  if (high >= 0) throw halfByte(text, text.length);
  return bytes.subarray(0, length);
}

const isSeparator = (character) => character.trim() === '' || character === ',' || character === ':';

function hexDigit(character) {
  if (character >= '0' && character <= '9') return character.charCodeAt(0) - 48;
  const letter = character.toLowerCase();
  return letter >= 'a' && letter <= 'f' ? letter.charCodeAt(0) - 87 : -1;
}

const notHex = (text, at) =>
  new InputError(`“${String.fromCodePoint(text.codePointAt(at))}” at position ${at + 1} is not a hex digit (0–9, a–f).`);

const halfByte = (text, at) =>
  new InputError(`“${text[at - 1]}” at position ${at} is half a byte: each byte takes two digits, such as 0${text[at - 1]}.`);

/** The arguments of WebSocket.close(): nothing, a code, or a code and a reason. */
export function readClose(codeText, reason) {
  const typed = codeText.trim();
  if (typed === '') {
    if (reason !== '') throw new InputError('A reason needs a close code before it, such as 1000.');
    return [];
  }
  const digitsOnly = [...typed].every((character) => character >= '0' && character <= '9');
  const code = digitsOnly ? Number(typed) : NaN;
  if (code !== 1000 && !(code >= 3000 && code <= 4999)) {
    throw new InputError('Browsers let a page send close code 1000, or one from 3000 to 4999.');
  }
  const size = utf8Length(reason);
  if (size > 123) {
    throw new InputError(`The reason is ${size} bytes of UTF-8; a close frame has room for 123 (RFC 6455 §5.5).`, 'reason');
  }
  return reason === '' ? [code] : [code, reason];
}

const short = (text) => (text.length > 60 ? `${text.slice(0, 60)}…` : text);
