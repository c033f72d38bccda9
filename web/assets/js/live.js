// SPDX-License-Identifier: MIT
import { decode } from "./protocol.js";

const firstDelay = 250;
const longestDelay = 5000;
const ackInterval = 250;

/**
 * The live connection: a websocket, or server-sent events where a proxy blocks websockets. It resumes after its cursor and
 * says its state as events: "state" with detail {state, text}, and "frame" with each frame.
 */
export class Live extends EventTarget {
  /** @param {import("./store.js").Store} store @param {() => string} query */
  constructor(store, query) {
    super();
    this.store = store;
    this.query = query;
    this.delay = firstDelay;
    this.failures = 0;
    /** @type {WebSocket|null} */ this.socket = null;
    /** @type {EventSource|null} */ this.source = null;
    /** @type {ReturnType<typeof setTimeout>|undefined} */ this.timer = undefined;
    this.hidden = false;
    this.acked = 0;
    /** @type {ReturnType<typeof setInterval>|undefined} */ this.acks = undefined;
    addEventListener("online", () => this.hurry());
    document.addEventListener("visibilitychange", () => this.visibility());
  }

  connect() {
    clearTimeout(this.timer);
    if (this.failures >= 3 && !this.socket) return this.events();
    this.state("connecting", "Connecting");
    const address = new URL("api/v1/live", document.baseURI);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address);
    this.socket = socket;
    socket.onopen = () => this.send({ type: "hello", q: this.query(), epoch: this.store.epoch, after: this.store.last, mode: this.store.epoch ? "resume" : "tail" });
    socket.onmessage = (e) => this.take(e.data);
    socket.onclose = (e) => {
      if (this.socket !== socket) return;
      this.socket = null;
      this.retry(e.reason);
    };
  }

  /** Server-sent events with the same frames. @param {boolean} [anew] from the beginning, as for another query */
  events(anew) {
    const address = new URL("api/v1/live.sse", document.baseURI);
    address.searchParams.set("q", this.query());
    if (this.store.epoch && !anew) {
      address.searchParams.set("epoch", this.store.epoch);
      address.searchParams.set("after", String(this.store.last));
    }
    this.leave();
    this.source = new EventSource(address);
    this.source.onmessage = (e) => this.take(e.data);
    this.source.onerror = () => {
      const worked = this.failures === 0;
      this.leave();
      this.failures = worked ? 2 : 0; // events again where they worked; else the websocket may work by now
      this.retry("");
    };
  }

  /** Ends the events. */
  leave() {
    this.source?.close();
    this.source = null;
  }

  /** @param {string} data */
  take(data) {
    const frame = decode(data);
    if (!frame) return;
    if (frame.type === "welcome") {
      this.delay = firstDelay;
      this.failures = 0;
      this.state("live", "Live");
      this.ack();
    }
    this.dispatchEvent(new CustomEvent("frame", { detail: frame }));
    if (this.store.apply(frame) === "resume") this.again();
  }

  /** Tells the program how far this page has come, so that it sends less to one that cannot keep up. */
  ack() {
    clearInterval(this.acks);
    this.acked = 0;
    this.acks = setInterval(() => {
      if (this.acked === this.store.last) return;
      this.acked = this.store.last;
      this.send({ type: "ack", seq: this.acked });
    }, ackInterval);
  }

  /** Sends a message, and tells whether that was possible. @param {object} message */
  send(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
    else if (this.source && /** @type {any} */ (message).type === "query") this.events(true);
    else return false;
    return true;
  }

  /** Drops the connection and resumes after the cursor. */
  again() {
    if (this.source) this.events();
    else this.socket?.close();
  }

  /** @param {string} reason */
  retry(reason) {
    clearInterval(this.acks);
    this.failures++;
    const wait = this.delay * (0.8 + Math.random() * 0.4);
    this.delay = Math.min(this.delay * 2, longestDelay);
    this.state("down", reason ? `${reason}; trying again` : `Reconnecting in ${Math.max(1, Math.round(wait / 1000))} s`);
    this.timer = setTimeout(() => this.connect(), wait);
  }

  hurry() {
    if (!this.socket && !this.source) this.connect();
  }

  /** A hidden page costs nothing: the program keeps the cursor. */
  visibility() {
    this.hidden = document.hidden;
    if (this.source && document.hidden) {
      this.leave();
      this.failures = 3; // events again when somebody looks
    } else if (document.hidden) this.send({ type: "pause" });
    else if (this.socket) this.send({ type: "resume" });
    else this.hurry();
  }

  /** @param {string} state @param {string} text */
  state(state, text) {
    this.dispatchEvent(new CustomEvent("state", { detail: { state, text } }));
  }
}
