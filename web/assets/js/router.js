// SPDX-License-Identifier: MIT

/** The state of the view, in the address: which screen, what is open, what is asked. */
export class Router extends EventTarget {
  constructor() {
    super();
    addEventListener("popstate", () => this.dispatchEvent(new Event("change")));
  }

  get params() {
    return new URLSearchParams(location.search);
  }

  get screen() {
    return this.params.get("screen") ?? "live";
  }

  /**
   * Changes parameters; null removes one. A step can be gone back from, an adjustment cannot.
   * @param {Record<string, string|null>} changes
   * @param {"step"|"adjust"} [how]
   */
  go(changes, how = "step") {
    const params = this.params;
    for (const [name, value] of Object.entries(changes)) {
      if (value === null || value === "") params.delete(name);
      else params.set(name, value);
    }
    const query = params.toString();
    const address = location.pathname + (query ? `?${query}` : "");
    if (how === "step") history.pushState(null, "", address);
    else history.replaceState(null, "", address);
    this.dispatchEvent(new Event("change"));
  }

  /** The address of a screen, for links. @param {Record<string, string>} params */
  link(params) {
    return `?${new URLSearchParams(params)}`;
  }
}
