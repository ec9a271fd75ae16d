import { createHash } from 'node:crypto';
import path from 'node:path';
import {
  model,
  readChecked,
  toPlain,
  Field,
  integer,
  listOf,
  nullable,
  text,
  RequestValidationError,
} from '../../http/index.js';
import { errorCode, errorMessage } from '../../errors/index.js';
import { isJsonObject, type JsonObject, parseJson } from '../../json/index.js';
import { InvalidExtensionError } from '../installation/extension-errors.js';
import { EXTENSION_NAME, MAX_NAME } from '../installation/extension-kind.js';
import { readInside } from '../installation/read-extension-file.js';
import { CanvasExtensionBackendDto } from './backends/backend-manifest.js';

const MANIFEST = 'canvas-extension.json';
const MAX_BYTES = 1024 * 1024;
const VERSION = 1;

/** A page of an extension. */
class CanvasExtensionPageDto {
  @Field(text({ min: 1 }), 'Id of the page within the extension.')
  id!: string;

  @Field(text({ min: 1 }), 'Title of the page in the web UI.')
  title!: string;

  @Field(text({ min: 1 }), 'Path of the page in the web UI.')
  path!: string;
}

/** Contributions of an extension. */
class CanvasExtensionContributesDto {
  @Field(listOf(model(CanvasExtensionPageDto)), 'Pages that the extension adds to the web UI.')
  pages: CanvasExtensionPageDto[] = [];
}

/** The path of a file inside the extension. */
const inside = text({
  min: 1,
  max: 4096,
  check: (place) => {
    const normal = path.posix.normalize(place);
    const leaves = path.posix.isAbsolute(normal) || normal === '..' || normal.startsWith('../');
    return leaves || place.includes('\0') ? 'it is no path inside the extension' : undefined;
  },
});

/** The content of `canvas-extension.json`. */
export class CanvasExtensionManifestDto {
  @Field(integer({ ge: VERSION, le: VERSION }), 'Version of the format of the manifest; 1.')
  schema_version!: number;

  @Field(
    text({ min: 1, max: MAX_NAME, pattern: EXTENSION_NAME }),
    'Name under which the extension is installed.',
  )
  name!: string;

  @Field(text(), 'Name of the extension for people.')
  display_name!: string;

  @Field(text(), 'Version of the extension that its author gave it.')
  version!: string;

  @Field(text(), 'What the extension is for, in a sentence; empty: not said.')
  description = '';

  @Field(inside, 'Path of the script of the extension, relative to its folder.')
  entrypoint!: string;

  @Field(model(CanvasExtensionContributesDto), 'What the extension adds to the web UI.')
  contributes: CanvasExtensionContributesDto = new CanvasExtensionContributesDto();

  @Field(nullable(model(CanvasExtensionBackendDto)), 'The back end of the extension; null: none.')
  backend: CanvasExtensionBackendDto | null = null;

  @Field(nullable(inside), 'Path of an SVG file, relative to the folder of the extension; null: none.')
  icon: string | null = null;
}

/** A parsed manifest and its digest. */
interface CanvasManifest {
  manifest: CanvasExtensionManifestDto;
  /** As in responses: without null fields. */
  plain: JsonObject;
  /** `sha256:` and the digest of the file. */
  digest: string;
}

const type = model(CanvasExtensionManifestDto);

/**
 * Reads the manifest of a canvas extension.
 * @throws InvalidExtensionError
 */
export async function readCanvasManifest(folder: string): Promise<CanvasManifest> {
  const content = await manifestIn(folder);
  try {
    const manifest = readChecked(type, parseJson(content.toString()), [MANIFEST]);
    const plain = toPlain(manifest);
    if (!(manifest instanceof CanvasExtensionManifestDto) || !isJsonObject(plain))
      throw new TypeError('no object');
    const said = Object.entries(plain).filter(([, value]) => value !== null);
    const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
    return { manifest, plain: Object.fromEntries(said), digest };
  } catch (error) {
    throw new InvalidExtensionError(`${MANIFEST} is not valid: ${reasonOf(error)}`);
  }
}

async function manifestIn(folder: string): Promise<Buffer> {
  try {
    return await readInside(folder, MANIFEST, MAX_BYTES);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw new InvalidExtensionError(`${MANIFEST}: ${errorMessage(error)}`);
    throw new InvalidExtensionError(
      `No ${MANIFEST} found at the resolved location. Source plus Path must point at the extension's own directory, ` +
        'not the repository root.',
    );
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof RequestValidationError)) return errorMessage(error);
  return error.problems.map(({ path, msg }) => `${(path ?? []).slice(1).join('.')}: ${msg}`).join('; ');
}
