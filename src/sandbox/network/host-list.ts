import { domainToASCII } from 'node:url';
import { canonicalAddress } from './addresses.js';

/** Ports of an entry that names none. */
const WEB_PORTS: readonly number[] = [80, 443];
/** The longest name in DNS. */
const MAX_NAME = 253;
const LABELS = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/;

/** A host that a program wants to reach. */
export interface HostTarget {
  /** A name (lower case, ASCII, without a final dot) or an address in its one spelling. */
  host: string;
  isAddress: boolean;
  port: number;
}

interface Entry {
  host: string;
  isAddress: boolean;
  /** All names below it, but not the name itself. */
  isWildcard: boolean;
  ports: readonly number[];
}

/**
 * Hosts that programs may reach: names (`example.org`), all names below one (`*.example.org`) and addresses
 * (`10.0.0.5`, `[::1]`), with the ports 80 and 443 or the one that an entry names (`example.org:8443`).
 */
export class HostList {
  private constructor(
    /** As they were configured. */
    readonly texts: readonly string[],
    private readonly entries: readonly Entry[],
  ) {}

  /** @throws RangeError that names the entry and what is wrong with it */
  static parse(texts: readonly string[]): HostList {
    return new HostList(texts, texts.map(parseEntry));
  }

  allows({ host, isAddress, port }: HostTarget): boolean {
    return this.entries.some(
      (entry) =>
        entry.isAddress === isAddress &&
        entry.ports.includes(port) &&
        (entry.isWildcard ? host.endsWith(`.${entry.host}`) : host === entry.host),
    );
  }

  /** Whether an entry names this address, with any port. */
  namesAddress(address: string): boolean {
    return this.entries.some((entry) => entry.isAddress && entry.host === address);
  }
}

function parseEntry(text: string): Entry {
  const refuse = (why: string): RangeError => new RangeError(`"${text}" is no host for the proxy: ${why}`);
  const trimmed = text.trim();
  const isWildcard = trimmed.startsWith('*.');
  const { host, port } = splitAuthority(isWildcard ? trimmed.slice(2) : trimmed) ?? {};
  if (host === undefined) throw refuse('write a name or an address, with a port if it is neither 80 nor 443');
  const known = parseHost(host);
  if (known === undefined) throw refuse('it is neither a name nor an address');
  if (isWildcard && known.isAddress) throw refuse('addresses have no names below them');
  return { ...known, isWildcard, ports: port === undefined ? WEB_PORTS : [port] };
}

/**
 * Parses what follows CONNECT, or the host of a URL.
 * @param defaultPort where a port may be missing
 * @returns undefined for anything that is not plainly a host and a port
 */
export function parseTarget(authority: string, defaultPort?: number): HostTarget | undefined {
  const { host, port = defaultPort } = splitAuthority(authority) ?? {};
  if (host === undefined || port === undefined) return undefined;
  const known = parseHost(host);
  return known && { ...known, port };
}

function splitAuthority(text: string): { host: string; port?: number } | undefined {
  if (text.length > MAX_NAME + 8) return undefined;
  // An IPv6 address without a port may stand alone.
  if (canonicalAddress(text) !== undefined) return { host: text };
  const [, bracketed, plain, port] =
    /^(?:\[([0-9a-f:.]+)\]|([^:[\]/@?#\\\s]+))(?::(\d{1,5}))?$/i.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined) return undefined;
  if (bracketed !== undefined && !bracketed.includes(':')) return undefined;
  if (port === undefined) return { host };
  const number = Number(port);
  return number >= 1 && number <= 65_535 ? { host, port: number } : undefined;
}

function parseHost(text: string): { host: string; isAddress: boolean } | undefined {
  const address = canonicalAddress(text);
  if (address !== undefined) return { host: address, isAddress: true };
  const name = domainToASCII(text).toLowerCase().replace(/\.$/, '');
  // Programs read names that end with a number as addresses: `127.1`, `0x7f.1`.
  const isNumeric = /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/.test(name);
  return name.length <= MAX_NAME && LABELS.test(name) && !isNumeric
    ? { host: name, isAddress: false }
    : undefined;
}
