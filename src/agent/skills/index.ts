export * from './context-loader.js';
export * from './extra-info.js';
export * from './skill.js';
export { isBelow, publicFolder, readList, type ListedExtension } from './public-skills.js';
export type { Repositories } from './repositories.js';
export { readSkillFile, type Warn } from './skill-folder.js';
