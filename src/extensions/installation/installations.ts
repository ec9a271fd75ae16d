import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { persistenceRoot } from '../../files/index.js';
import { LocalDocuments } from '../../storage/index.js';
import { CANVAS_EXTENSION_KIND } from '../canvas/canvas-extension-kind.js';
import { PLUGIN_KIND } from '../plugins/plugin-kind.js';
import { SKILL_KIND } from '../skills/skill-kind.js';
import type { ExtensionKind } from './extension-kind.js';
import { Installation } from './installation.js';
import { Staging } from './staging.js';

/** The installed extensions by kind. */
@Injectable()
export class Installations {
  readonly skills: Installation;
  readonly plugins: Installation;
  readonly canvas: Installation;

  constructor(
    { base_dir, database_url, workspaces_shared }: AppConfig,
    staging: Staging,
    documents: LocalDocuments,
  ) {
    const isOnlyHere = database_url !== null && !workspaces_shared;
    const root = persistenceRoot(base_dir);
    const of = (kind: ExtensionKind): Installation =>
      new Installation(kind, root, staging, documents, isOnlyHere);
    this.skills = of(SKILL_KIND);
    this.plugins = of(PLUGIN_KIND);
    this.canvas = of(CANVAS_EXTENSION_KIND);
  }
}
