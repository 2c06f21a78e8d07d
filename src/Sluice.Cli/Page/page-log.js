// The log: bounded in lines, in characters per line and in work per animation frame. Whatever a peer sent
// goes through textContent, never through HTML.

import { bytes } from './page-words.js';

const maxLines = 1000;
const maxCharacters = 2000;
const maxRows = 20;
const maxDumped = 256;

export class Log {
  #box;
  #list;
  #dropped;
  #empty;
  #newest;
  #waiting = [];
  #frame = 0;
  #count = 0;
  #following = true;

  constructor({ box, list, dropped, empty, newest }) {
    this.#box = box;
    this.#list = list;
    this.#dropped = dropped;
    this.#empty = empty;
    this.#newest = newest;
    newest.addEventListener('click', () => {
      this.#following = true;
      this.#keepUp();
    });
    box.addEventListener('scroll', () => {
      this.#following = box.scrollHeight - box.scrollTop - box.clientHeight < 48;
      if (this.#following) newest.hidden = true;
    });
    new ResizeObserver(() => this.#keepUp()).observe(box);
  }

  note(text) {
    this.#add({ side: 'note', text });
  }

  problem(text) {
    this.#add({ side: 'problem', text });
  }

  /** side is "sent" or "received"; data a string, or a Uint8Array. */
  message(side, data, size) {
    const view = typeof data === 'string' ? textView(data) : binaryView(data);
    this.#add({ side, size, ...view });
  }

  clear() {
    this.#waiting = [];
    this.#count = 0;
    this.#following = true;
    this.#list.replaceChildren();
    this.#newest.hidden = true;
    this.#show();
  }

  #add(line) {
    line.time = new Date();
    this.#count++;
    this.#waiting.push(line);
    // A page in the background gets no animation frames, so what waits for one is bounded too.
    if (this.#waiting.length > 2 * maxLines) this.#waiting.splice(0, maxLines);
    this.#frame ||= requestAnimationFrame(() => this.#render());
  }

  #render() {
    this.#frame = 0;
    const fresh = this.#waiting.slice(-maxLines).map(row);
    this.#waiting = [];
    for (let excess = this.#list.childElementCount + fresh.length - maxLines; excess > 0; excess--) {
      this.#list.firstElementChild?.remove();
    }
    this.#list.append(...fresh);
    this.#show();
    this.#newest.hidden = this.#following;
    this.#keepUp();
  }

  #show() {
    const dropped = this.#count - this.#list.childElementCount;
    this.#dropped.hidden = dropped <= 0;
    this.#dropped.textContent = `${dropped.toLocaleString('en')} earlier ${dropped === 1 ? 'line' : 'lines'} dropped; the log keeps ${maxLines.toLocaleString('en')}.`;
    this.#empty.hidden = this.#count > 0;
  }

  #keepUp() {
    if (this.#following) this.#box.scrollTop = this.#box.scrollHeight;
  }
}

const arrows = { sent: '↑', received: '↓', note: '•', problem: '!' };
const spoken = { sent: 'Sent', received: 'Received', note: '', problem: 'Problem:' };

function row(line) {
  const item = element('li', `line ${line.side}`);
  const time = element('time', 'time mono', clock(line.time));
  time.dateTime = line.time.toISOString();
  const arrow = element('span', 'arrow', arrows[line.side]);
  arrow.ariaHidden = 'true';
  item.append(time, arrow, element('span', 'visually-hidden', spoken[line.side]));
  if (line.size === undefined) {
    item.append(element('p', 'words', line.text));
    return item;
  }
  item.append(element('span', 'type', line.type), element('span', 'size', bytes(line.size)));
  if (line.size === 0) item.append(element('p', 'words nothing', 'empty message'));
  else item.append(element('pre', `payload mono ${line.type}`, line.text));
  if (line.more) item.append(element('p', 'more', line.more));
  return item;
}

function element(name, className, text = '') {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

function textView(text) {
  let end = Math.min(text.length, maxCharacters);
  let rows = 0;
  for (let at = 0; at < end; at++) {
    if (text[at] === '\n' && ++rows === maxRows) end = at;
  }
  // Not through the middle of a surrogate pair.
  if (end < text.length && text.codePointAt(end - 1) > 0xffff) end--;
  const more = end === text.length ? '' : `Only the first ${end.toLocaleString('en')} of ${text.length.toLocaleString('en')} characters are shown.`;
  return { type: 'text', text: text.slice(0, end), more };
}

function binaryView(data) {
  const shown = data.subarray(0, maxDumped);
  const width = matchMedia('(max-width: 48rem)').matches ? 8 : 16;
  const rows = [];
  for (let at = 0; at < shown.length; at += width) rows.push(dumpRow(shown.subarray(at, at + width), at, width));
  const more = shown.length === data.length ? '' : `Only the first ${bytes(shown.length)} of ${data.length.toLocaleString('en')} are shown.`;
  return { type: 'binary', text: rows.join('\n'), more };
}

/** "0000  48 65 6c 6c 6f        Hello" */
function dumpRow(chunk, at, width) {
  const hex = Array.from(chunk, (value) => value.toString(16).padStart(2, '0')).join(' ');
  const ascii = Array.from(chunk, (value) => (value >= 0x20 && value < 0x7f ? String.fromCharCode(value) : '.')).join('');
  return `${at.toString(16).padStart(4, '0')}  ${hex.padEnd(width * 3 - 1)}  ${ascii}`;
}

const clock = (time) =>
  [time.getHours(), time.getMinutes(), time.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':') +
  `.${String(time.getMilliseconds()).padStart(3, '0')}`;
