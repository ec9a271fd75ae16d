import net, { BlockList } from 'node:net';
import os from 'node:os';

/**
 * Not on the public internet (IANA special-purpose registries), and services of clouds for their machines.
 */
const IPV4 = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12'],
  ...['192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15'],
  ...['198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4', '168.63.129.16/32'],
];
/** Also those that carry an IPv4 address (translated, 6to4, Teredo): what it is, is not told by a prefix. */
const IPV6 = [
  ...['::/96', '64:ff9b::/96', '64:ff9b:1::/48', '100::/64', '2001::/23', '2001:db8::/32', '2002::/16'],
  ...['3fff::/20', '5f00::/16', 'fc00::/7', 'fe80::/10', 'fec0::/10', 'ff00::/8'],
];

const special = new BlockList();
for (const [family, subnets] of [['ipv4', IPV4] as const, ['ipv6', IPV6] as const]) {
  for (const subnet of subnets) {
    const [address = '', prefix] = subnet.split('/');
    special.addSubnet(address, Number(prefix), family);
  }
}

/** An address in its one spelling; undefined for anything else, such as one with a zone. */
export function canonicalAddress(text: string): string | undefined {
  if (net.isIPv4(text)) return text;
  if (!net.isIPv6(text) || text.includes('%')) return undefined;
  const address = new URL(`http://[${text}]/`).hostname.slice(1, -1);
  // An IPv4 address in IPv6, which the system connects to as such.
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(address);
  if (!mapped) return address;
  const [high, low] = [parseInt(mapped[1] ?? '', 16), parseInt(mapped[2] ?? '', 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/**
 * Whether an address (in its one spelling) is on the public internet: not private, of this machine, of a
 * link, or a service of a cloud.
 */
export function isPublic(address: string): boolean {
  const family = net.isIPv4(address) ? 'ipv4' : 'ipv6';
  return !special.check(address, family) && !isOfThisMachine(address);
}

/** Services of this machine may listen on its public addresses, too. */
function isOfThisMachine(address: string): boolean {
  return Object.values(os.networkInterfaces()).some((own) =>
    own?.some((known) => canonicalAddress(known.address) === address),
  );
}
