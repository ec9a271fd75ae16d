import path from 'node:path';
import {
  model,
  Field,
  decimal,
  type FieldType,
  integer,
  listOf,
  mapOf,
  nullable,
  text,
  type Problem,
  valueError,
} from '../../../http/index.js';
import { parseUrl } from '../../../text/index.js';
import type { JsonObject } from '../../../json/index.js';

const VERSION = 1;
const ARCHIVE = '.tar.gz';
const PLATFORMS = ['linux-amd64', 'linux-arm64'];
/** Variables that a back end can inherit: none that could contain a secret. */
const INHERITABLE: ReadonlySet<string> = new Set(['PATH', 'LANG', 'LC_ALL', 'LC_CTYPE', 'TZ', 'TMPDIR']);
/** Placeholders in arguments. */
const PLACEHOLDER = /\{([^{}]*)\}/g;
const PLACEHOLDERS: ReadonlySet<string> = new Set(['artifact_dir', 'data_dir', 'port']);
const EXECUTABLE = '{artifact_dir}';

/** The archive of a back end for one platform. */
export class CanvasExtensionBackendArtifactDto {
  @Field(
    text({ max: 4096, check: (place) => (place === '' ? undefined : archiveProblem(place)) }),
    'Path of the archive inside the extension. Exactly one of `path` and `url` is required.',
  )
  path = '';

  @Field(
    nullable(text({ max: 4096, check: urlProblem })),
    'URL from which the archive is downloaded (`https`); null if it is inside the extension.',
  )
  url: string | null = null;

  @Field(text({ pattern: /^[0-9a-f]{64}$/ }), 'SHA-256 digest of the archive in hexadecimal digits.')
  sha256!: string;

  @Field(integer({ ge: 0, le: 16 }), 'Number of leading path segments to remove; only for downloads.')
  strip_components = 0;
}

/** The health check of a back end. */
class CanvasExtensionBackendHealthDto {
  @Field(
    text({ pattern: /^\/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*$/ }),
    'Path that answers with 2xx when the back end is ready.',
  )
  path = '/health';

  @Field(decimal({ gt: 0, le: 300 }), 'Time in seconds until the back end has to be ready.')
  timeout_seconds = 30;

  @Field(decimal({ gt: 0, le: 10 }), 'Pause between two checks in seconds.')
  interval_seconds = 0.1;
}

/** The back end of an extension. */
export class CanvasExtensionBackendDto {
  @Field(integer({ ge: VERSION, le: VERSION }), 'Version of the format of this section; 1.')
  schema_version!: number;

  @Field(artifactsByPlatform(), 'A tar.gz archive per platform: `linux-amd64`, `linux-arm64`.')
  artifacts!: Map<string, CanvasExtensionBackendArtifactDto>;

  @Field(
    argumentList(),
    'The program, which begins with `{artifact_dir}`, and its arguments; `{port}` and `{data_dir}` are replaced.',
  )
  argv!: string[];

  @Field(model(CanvasExtensionBackendHealthDto), 'How the server finds out that the back end is ready.')
  health: CanvasExtensionBackendHealthDto = new CanvasExtensionBackendHealthDto();

  @Field(inheritedNames(), 'Variables inherited from the server: PATH, LANG, LC_ALL, LC_CTYPE, TZ, TMPDIR.')
  inherit_environment: string[] = [];
}

/** The archive for this platform; undefined if there is none. */
export function artifactFor(
  backend: CanvasExtensionBackendDto,
): CanvasExtensionBackendArtifactDto | undefined {
  return backend.artifacts.get(platformName());
}

/** This platform's name in manifests. */
export function platformName(): string {
  const architectures: Partial<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };
  return `${process.platform}-${architectures[process.arch] ?? process.arch}`;
}

/** Program and arguments with placeholders replaced. */
export function filledArguments(
  { argv }: CanvasExtensionBackendDto,
  values: Readonly<Record<'artifact_dir' | 'data_dir' | 'port', string>>,
): string[] {
  const all = new Map(Object.entries(values));
  return argv.map((argument) =>
    argument.replaceAll(PLACEHOLDER, (whole, name: string) => all.get(name) ?? whole),
  );
}

function archiveProblem(place: string): string | undefined {
  const normal = path.posix.normalize(place);
  const leaves = path.posix.isAbsolute(normal) || normal === '..' || normal.startsWith('../');
  if (leaves || /[\0\\]/.test(place)) return 'it is no path inside the extension';
  return place.endsWith(ARCHIVE) ? undefined : `it has to end with ${ARCHIVE}`;
}

function urlProblem(address: string): string | undefined {
  const url = parseUrl(address);
  if (url === undefined) return 'it is no URL';
  const { protocol, username, password, hash, pathname } = url;
  if (protocol !== 'https:') return 'it has to be https';
  if (username !== '' || password !== '' || hash !== '') return 'it must not hold a user or a fragment';
  return pathname.endsWith(ARCHIVE) ? undefined : `its path has to end with ${ARCHIVE}`;
}

const problem = (text: string): Problem[] => [valueError(text)];

function artifactsByPlatform(): FieldType {
  const map = mapOf(model(CanvasExtensionBackendArtifactDto, { before: sourceProblem }));
  return {
    ...map,
    problems: (value) => {
      if (!(value instanceof Map)) return map.problems(value);
      const names = [...value.keys()].map(String);
      if (names.length === 0) return problem('there is none');
      const foreign = names.find((name) => !PLATFORMS.includes(name));
      if (foreign !== undefined) return problem(`${foreign.slice(0, 100)} is no platform`);
      return map.problems(value);
    },
    schema: () => ({ ...map.schema(), propertyNames: { enum: PLATFORMS }, minProperties: 1 }),
  };
}

function sourceProblem(artifact: JsonObject): string | undefined {
  const { path: place = '', url = null, strip_components: strip = 0 } = artifact;
  if ((place === '') === (url === null)) return 'exactly one of path and url is needed';
  return url === null && Number(strip) !== 0 ? 'strip_components is for what is fetched' : undefined;
}

/** A list of strings with a check of the whole list. */
function textsThat(list: FieldType, check: (texts: string[]) => Problem[]): FieldType {
  return {
    ...list,
    problems: (value) => {
      const own = list.problems(value);
      return own.length > 0 || !Array.isArray(value) ? own : check(value.map(String));
    },
  };
}

function argumentList(): FieldType {
  return textsThat(listOf(text({ min: 1 }), { min: 1 }), (all) => {
    if (all.some((argument) => argument.includes('\0'))) return problem('an argument holds a zero byte');
    if (!all[0]?.startsWith(EXECUTABLE)) return problem(`the program has to begin with ${EXECUTABLE}`);
    const names = all.flatMap((argument) =>
      [...argument.matchAll(PLACEHOLDER)].map(([, name]) => name ?? ''),
    );
    const unknown = names.find((name) => !PLACEHOLDERS.has(name));
    return unknown === undefined ? [] : problem(`{${unknown.slice(0, 100)}} stands for nothing`);
  });
}

function inheritedNames(): FieldType {
  return textsThat(listOf(text()), (all) => {
    const foreign = all.find((name) => !INHERITABLE.has(name));
    if (foreign !== undefined) return problem(`${foreign.slice(0, 100)} is not given away`);
    return new Set(all).size === all.length ? [] : problem('a name stands there twice');
  });
}
