import { readFile } from 'node:fs/promises';

/** The parts of the Dockerfile that tests use. */
export interface Dockerfile {
  instructions: { name: string; text: string }[];
  /** Files that the build copies from the checkout. */
  copied: string[];
  /** The environment of the image. */
  environment: Record<string, string>;
  /** The commands of the build, without those of the system's package manager. */
  steps: string[];
  /** The command of `docker run` without `tini`: Node and its options, the program, its arguments. */
  start: { node: string[]; main: string; args: string[] };
  healthCheck: string[];
}

/** Reads the Dockerfile of this checkout, so that tests run its commands. */
export async function readDockerfile(): Promise<Dockerfile> {
  const text = await readFile(new URL('../../Dockerfile', import.meta.url), 'utf8');
  const lines = text
    .replace(/^#.*\n/gm, '')
    .replaceAll('\\\n', ' ')
    .split('\n');
  const instructions = lines
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, name = '', rest = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? [];
      return { name, text: rest.trim() };
    });
  const all = (name: string) => instructions.filter((it) => it.name === name).map((it) => it.text);
  const sources = all('COPY').filter((copy) => !copy.startsWith('--from'));
  const pairs = all('ENV').flatMap((variables) => variables.split(/\s+/).map((pair) => pair.split('=')));
  const [tini, dashes, ...program] = command(all('ENTRYPOINT')[0]);
  if (tini !== 'tini' || dashes !== '--') throw new Error('the entry point is not tini');
  const main = program.findIndex((word) => word.endsWith('.js'));
  return {
    instructions,
    copied: sources.flatMap((copy) => copy.split(/\s+/).slice(0, -1)),
    environment: Object.fromEntries(pairs.map(([name = '', value = '']) => [name, value])),
    steps: all('RUN').filter((step) => !step.startsWith('apt-get')),
    start: {
      node: program.slice(0, main),
      main: program[main] ?? '',
      args: [...program.slice(main + 1), ...command(all('CMD')[0])],
    },
    healthCheck: command(all('HEALTHCHECK')[0]?.replace(/^.*? CMD /, '')),
  };
}

/** A command in the form of a JSON list. */
function command(text = '[]'): string[] {
  const parts: unknown = JSON.parse(text);
  return Array.isArray(parts) ? parts.map(String) : [];
}
