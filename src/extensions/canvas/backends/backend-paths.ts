import path from 'node:path';

/** The paths of back ends' files, as in the original. Names must be validated before. */
export class BackendPaths {
  private readonly root: string;

  /** @param home the user's folder (absolute path) */
  constructor(home: string) {
    this.root = path.join(home, 'canvas-extensions', 'backends');
  }

  /** The approval of a back end. */
  approval(name: string): string {
    return path.join(this.root, 'approvals', `${name}.json`);
  }

  /** The unpacked program, read-only. */
  artifact(name: string, sha256: string): string {
    return path.join(this.root, 'artifacts', name, sha256);
  }

  /** The data of a back end. */
  data(name: string): string {
    return path.join(this.root, 'data', name);
  }

  /** The home folder of the process. */
  home(name: string): string {
    return path.join(this.data(name), 'home');
  }

  /** Records of running processes and their servers. */
  get running(): string {
    return path.join(this.root, 'run');
  }

  /** Where archives are downloaded and unpacked. */
  get work(): string {
    return path.join(this.root, 'downloads');
  }
}
