import path from 'node:path';
import type { ConfinedFiles } from '../../files/index.js';
import { withWorkingDir } from '../function-tool.js';
import type { ToolDefinition } from '../tool.js';
import { filesOf, type ToolHost } from '../tool-host.js';
import { FileToolError } from '../text-files/file-tool-error.js';
import { FileEditorTool, fileEditorDefinition, type EditorLimits } from './file-editor-tool.js';
import { pathKind, tidyPath } from '../text-files/file-path.js';

/** The sections of a new plan. */
const SECTIONS = [
  'OBJECTIVE',
  'CONTEXT SUMMARY',
  'APPROACH OVERVIEW',
  'IMPLEMENTATION STEPS',
  'TESTING AND VALIDATION',
];
const NEW_PLAN = SECTIONS.map((title, index) => `# ${index + 1}. ${title}\n`).join('\n');

/** Lets a planning agent view all files but edit only its plan. */
export const planningFileEditorDefinition: ToolDefinition = {
  ...fileEditorDefinition,
  name: 'planning_file_editor',
  kind: 'PlanningFileEditorTool',
  actionKind: 'PlanningFileEditorAction',
  observationKind: 'PlanningFileEditorObservation',
  title: 'planning_file_editor',
  description:
    `${fileEditorDefinition.description}\n\nYou are planning:\n` +
    '* `view` shows any file.\n' +
    '* The only file that you can edit is your plan. It is there already and has its headings: fill them in. ' +
    'Whatever else you try to edit is refused.',
  annotations: {
    title: 'planning_file_editor',
    readOnlyHint: false,
    destructiveHint: false,
    idempotentHint: false,
    openWorldHint: false,
  },
  create: (host) => {
    const rule = 'Your plan is .agents_tmp/PLAN.md in it, or PLAN.md if the project has one.';
    const definition = withWorkingDir(planningFileEditorDefinition, host.workingDir, rule);
    return new FileEditorTool(definition, host, planOnly(host));
  },
};

function planOnly(host: ToolHost): EditorLimits {
  const files = filesOf(host);
  return {
    check: async ({ command, path: file }) => {
      const plan = await ensurePlan(files, host.workingDir);
      // `..` behind a link would lead to another file of this name.
      if (command === 'view' || tidyPath(file) === plan) return;
      throw new FileToolError(
        `Operation '${command}' is not allowed on file '${file}'. Only the following files can be edited: ['${plan}']`,
      );
    },
  };
}

/**
 * Creates the plan if necessary and returns its path. A plan in the workspace's root folder, where earlier
 * versions put it, stays in use.
 * @throws FileToolError, FileRefusal
 */
async function ensurePlan(files: ConfinedFiles, workingDir: string): Promise<string> {
  const legacy = path.join(workingDir, 'PLAN.md');
  if ((await pathKind(files, legacy)) === 'file') return legacy;
  const plan = path.join(workingDir, '.agents_tmp', 'PLAN.md');
  if ((await pathKind(files, plan)) !== 'missing') return plan;
  try {
    await files.makeFolder(path.dirname(plan));
    await files.replace(plan, NEW_PLAN);
  } catch (error) {
    throw FileToolError.fileSystem(error, 'write to', plan);
  }
  return plan;
}
