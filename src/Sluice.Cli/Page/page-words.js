// Numbers and failures in words.

/** "1,024 bytes" */
export const bytes = (count) => quantity(count, 'byte');

export const quantity = (count, noun) => `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;

// RFC 6455 §7.4.1 and IANA's WebSocket Close Code Number Registry.
const closeCodes = {
  1000: 'normal closure',
  1001: 'going away',
  1002: 'protocol error',
  1003: 'unsupported data',
  1005: 'no code given',
  1006: 'abnormal closure',
  1007: 'invalid payload data',
  1008: 'policy violation',
  1009: 'message too big',
  1010: 'mandatory extension',
  1011: 'internal error',
  1012: 'service restart',
  1013: 'try again later',
  1014: 'bad gateway',
  1015: 'TLS handshake',
};

/** "1000 (normal closure)" */
export function closeCode(code) {
  const name = closeCodes[code] ?? (code >= 4000 ? 'private use' : code >= 3000 ? 'registered use' : 'unknown');
  return `${code} (${name})`;
}

export const abnormalClosure =
  'The connection ended without a closing handshake, code 1006 (abnormal closure). The server stopped, ' +
  'the network broke, or a frame was against the protocol; the browser’s console may say which.';

/**
 * Why a socket did not open. Browsers hide the reason from a page, so ask the same address with a plain
 * GET where the page may: on its own server.
 */
export async function whyNotOpened(url, offered) {
  const address = new URL(url);
  address.protocol = address.protocol === 'wss:' ? 'https:' : 'http:';
  if (address.origin !== location.origin) return unknownReason(address, offered);
  try {
    const response = await fetch(address, {
      cache: 'no-store', credentials: 'omit', redirect: 'manual', signal: AbortSignal.timeout(5000),
    });
    await response.body?.cancel();
    return reasonFromStatus(response, offered);
  } catch {
    return `${address.host} does not answer any more. Is the server still running?`;
  }
}

function reasonFromStatus(response, offered) {
  if (response.type === 'opaqueredirect') return 'A plain GET there is redirected, and a WebSocket can’t follow. Use the final URL.';
  const answer = `A plain GET there is answered ${response.status}${response.statusText && ` ${response.statusText}`}`;
  switch (response.status) {
    case 400:
    case 426:
      return `${answer}, so a WebSocket may well live there. ${subprotocolHint(offered) || 'The server may refuse this page’s origin or something else in the request; its log says why.'}`;
    case 401:
    case 403:
      return `${answer}: the server wants proof of who you are, or refuses this page’s origin.`;
    case 404:
      return `${answer}: nothing lives at this path.`;
    case 503:
      return `${answer}: the server takes no more connections now.`;
    default:
      return response.ok ? `${answer}: an ordinary page, not a WebSocket.` : `${answer}.`;
  }
}

function unknownReason(address, offered) {
  const secure = address.protocol === 'https:';
  return [
    `Browsers hide the reason. Is a server running at ${address.host}, with a WebSocket at ${address.pathname},`,
    secure ? 'with a certificate that this browser trusts,' : 'without TLS (else write wss://),',
    `and does it allow the origin ${location.origin}?`,
    subprotocolHint(offered),
  ].join(' ').trim();
}

const subprotocolHint = (offered) =>
  offered.length === 0 ? '' : 'A browser also gives up when the server agrees to none of the offered subprotocols.';
