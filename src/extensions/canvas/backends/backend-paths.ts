import path from 'node:path';

/** Where back ends have their files: where the original has them. Names were checked before. */
export class BackendPaths {
  private readonly root: string;

  /** @param home the person's folder (absolute path) */
  constructor(home: string) {
    this.root = path.join(home, 'canvas-extensions', 'backends');
  }

  /** Which version of a back end a person has allowed to run. */
  approval(name: string): string {
    return path.join(this.root, 'approvals', `${name}.json`);
  }

  /** The unpacked program; nobody changes it. */
  artifact(name: string, sha256: string): string {
    return path.join(this.root, 'artifacts', name, sha256);
  }

  /** Everything that a back end has stored. */
  data(name: string): string {
    return path.join(this.root, 'data', name);
  }

  /** The home of the program. */
  home(name: string): string {
    return path.join(this.data(name), 'home');
  }

  /** Says of each program that runs to which server it belongs. */
  get running(): string {
    return path.join(this.root, 'run');
  }

  /** Where archives are fetched and unpacked. */
  get work(): string {
    return path.join(this.root, 'downloads');
  }
}
