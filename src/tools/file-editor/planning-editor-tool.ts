import path from 'node:path';
import { makeFolder, replaceFile } from '../../files/index.js';
import { inWorkspace } from '../function-tool.js';
import type { ToolDefinition, ToolHost } from '../tool.js';
import { EditorError } from './editor-error.js';
import { FileEditorTool, fileEditorDefinition, type EditorLimits } from './file-editor-tool.js';
import { pathKind } from './file-path.js';

/** What a new plan is made of. */
const SECTIONS = [
  'OBJECTIVE',
  'CONTEXT SUMMARY',
  'APPROACH OVERVIEW',
  'IMPLEMENTATION STEPS',
  'TESTING AND VALIDATION',
];
const NEW_PLAN = SECTIONS.map((title, index) => `# ${index + 1}. ${title}\n`).join('\n');

/** Lets an agent that plans view everything and edit nothing but its plan. */
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
    const definition = inWorkspace(planningFileEditorDefinition, host.workingDir, rule);
    return new FileEditorTool(definition, host, onlyThePlan(host));
  },
};

function onlyThePlan({ workingDir }: ToolHost): EditorLimits {
  return {
    check: async ({ command, path: file }) => {
      const plan = await preparePlan(workingDir);
      if (command === 'view' || path.resolve(file) === plan) return;
      throw new EditorError(
        `Operation '${command}' is not allowed on file '${file}'. Only the following files can be edited: ['${plan}']`,
      );
    },
  };
}

/**
 * The path of the plan, which is there then. A plan of earlier versions, in the workspace itself, is kept in
 * use.
 */
async function preparePlan(workingDir: string): Promise<string> {
  const legacy = path.join(workingDir, 'PLAN.md');
  if ((await pathKind(legacy)) === 'file') return legacy;
  const plan = path.join(workingDir, '.agents_tmp', 'PLAN.md');
  if ((await pathKind(plan)) !== 'missing') return plan;
  try {
    await makeFolder(path.dirname(plan));
    await replaceFile(plan, NEW_PLAN);
  } catch (error) {
    throw EditorError.fileSystem(error, 'write to', plan);
  }
  return plan;
}
