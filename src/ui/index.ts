export { WebUi } from './web-ui.js';
