import fc from 'fast-check';

import { MarkerScanner } from './prompt-protocol.js';
import type { Marker } from './prompt-protocol.js';

const ID = 'abc';
const READY = `\x1b]7331;${ID};R;0;himBHs;-1;me;host;/usr/bin/python\x1f/work\x07`;
const STARTED = `\x1b]7331;${ID};S\x07`;

function scan(chunks: Buffer[]): { text: string; markers: Marker[] } {
  const text: Buffer[] = [];
  const markers: Marker[] = [];
  const scanner = new MarkerScanner(
    ID,
    (bytes) => text.push(Buffer.from(bytes)),
    (marker) => markers.push(marker),
  );
  for (const chunk of chunks) scanner.push(chunk);
  return { text: Buffer.concat(text).toString(), markers };
}

describe('MarkerScanner', () => {
  it('finds markers across chunk boundaries', () => {
    const stream = Buffer.from(`${STARTED}aü\x1b[31m\x1b]7331;other;S\x07b${READY}\x1b]0;c`);
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(stream.length), { maxLength: 12 }), (cuts) => {
        const edges = [0, ...cuts.sort((a, b) => a - b), stream.length];
        const chunks = edges.slice(1).map((edge, index) => stream.subarray(edges[index], edge));
        const { text, markers } = scan(chunks);
        expect(text).toBe('aü\x1b[31m\x1b]7331;other;S\x07b\x1b]0;c');
        expect(markers.map(({ type }) => type)).toEqual(['started', 'ready']);
      }),
    );
  });

  it('parses the state of the shell', () => {
    expect(scan([Buffer.from(READY)]).markers).toEqual([
      {
        type: 'ready',
        prompt: {
          exitCode: 0,
          flags: 'himBHs',
          backgroundPid: -1,
          username: 'me',
          hostname: 'host',
          pythonPath: '/usr/bin/python',
          workingDir: '/work',
        },
      },
    ]);
  });

  it('does not mistake the source of a marker for a marker', () => {
    const printed = `\x1b]7331;${ID};P;$?\x07\x1b]7331;${ID};R;"$__oh_s;$-\x07`;
    expect(scan([Buffer.from(printed)]).markers).toEqual([]);
  });

  it('does not hold back output that only begins like a marker', () => {
    const flood = `\x1b]7331;${ID};${'x'.repeat(40_000)}`;
    expect(scan([Buffer.from(flood)]).text).toBe(flood);
  });
});
