const { TestEnvironment } = require('jest-environment-jsdom');

/** A page as jsdom has it, with what it lacks and every browser has: Node's own. */
class Page extends TestEnvironment {
  constructor(...given) {
    super(...given);
    this.global.DragEvent = class DragEvent extends this.global.MouseEvent {};
    Object.assign(this.global, { fetch, Request, Response, Headers, TextEncoder, TextDecoder });
  }
}

module.exports = Page;
