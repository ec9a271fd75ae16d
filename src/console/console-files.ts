import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const PAGE = 'index.html';
/** In the page: the relative path from the address to `/console/`. */
const BASE = '%BASE%';

/** The built page of the console (`scripts/console.mjs` makes it). */
export class ConsoleFiles {
  private constructor(
    readonly folder: string,
    private readonly page: string,
    private readonly assets: ReadonlySet<string>,
  ) {}

  /**
   * Those of this build: beside the bundle, or where modules run without one, of the same or the last build.
   * @param packageFolder of the program
   * @returns undefined if no build has made them
   */
  static find(packageFolder: string): ConsoleFiles | undefined {
    const folders = [
      fileURLToPath(new URL('console', import.meta.url)),
      fileURLToPath(new URL('../bundle/console', import.meta.url)),
      path.join(packageFolder, 'dist/bundle/console'),
    ];
    for (const folder of folders) {
      try {
        const page = readFileSync(path.join(folder, PAGE), 'utf8');
        return new ConsoleFiles(folder, page, new Set(readdirSync(path.join(folder, 'assets'))));
      } catch {
        // The next one.
      }
    }
    return undefined;
  }

  /** The page for an address so many levels below `/console/`. */
  pageAt(depth: number): string {
    return this.page.replace(BASE, depth === 0 ? './' : '../'.repeat(depth));
  }

  /** The path of an asset, compressed if there is such a copy and the client accepts it. */
  asset(name: string, acceptsGzip: boolean): { path: string; isCompressed: boolean } | undefined {
    if (!this.assets.has(name)) return undefined;
    const isCompressed = acceptsGzip && this.assets.has(`${name}.gz`);
    return { path: path.join(this.folder, 'assets', isCompressed ? `${name}.gz` : name), isCompressed };
  }
}
