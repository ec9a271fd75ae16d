import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const PAGE = 'index.html';
/** In the page: the relative path from the address to `/console/`. */
const BASE = '%BASE%';

/** What a build of the console consists of. */
interface Built {
  /** Modification time of the page, which is written last. */
  writtenAt: number;
  page: string;
  assets: ReadonlySet<string>;
}

/** The built page of the console (`scripts/console.mjs` makes it). */
export class ConsoleFiles {
  private constructor(
    readonly folder: string,
    private built: Built,
  ) {}

  /**
   * Those of this build: beside the bundle, or where modules run without one, of the build that is watched
   * beside them (`--reload`, `npm run start:dev`) or the last one.
   * @param packageFolder of the program
   * @returns undefined if no build has made them
   */
  static find(packageFolder: string): ConsoleFiles | undefined {
    const folders = [
      fileURLToPath(new URL('console', import.meta.url)),
      fileURLToPath(new URL('../bundle/console', import.meta.url)),
      fileURLToPath(new URL('../../console', import.meta.url)),
      path.join(packageFolder, 'dist/bundle/console'),
    ];
    for (const folder of folders) {
      try {
        return new ConsoleFiles(folder, read(folder));
      } catch {
        // The next one.
      }
    }
    return undefined;
  }

  /** The page for an address so many levels below `/console/`. */
  pageAt(depth: number): string {
    this.update();
    return this.built.page.replace(BASE, depth === 0 ? './' : '../'.repeat(depth));
  }

  /** The path of an asset, compressed if there is such a copy and the client accepts it. */
  asset(name: string, acceptsGzip: boolean): { path: string; isCompressed: boolean } | undefined {
    const { assets } = this.built;
    if (!assets.has(name)) return undefined;
    const isCompressed = acceptsGzip && assets.has(`${name}.gz`);
    return { path: path.join(this.folder, 'assets', isCompressed ? `${name}.gz` : name), isCompressed };
  }

  /** A build that is watched is made again while the server runs. Pages are requested before assets. */
  private update(): void {
    try {
      if (writtenAt(this.folder) !== this.built.writtenAt) this.built = read(this.folder);
    } catch {
      // It is being made, or was removed: the last one is still known.
    }
  }
}

function read(folder: string): Built {
  return {
    writtenAt: writtenAt(folder),
    page: readFileSync(path.join(folder, PAGE), 'utf8'),
    assets: new Set(readdirSync(path.join(folder, 'assets'))),
  };
}

function writtenAt(folder: string): number {
  return statSync(path.join(folder, PAGE)).mtimeMs;
}
