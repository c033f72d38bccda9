// SPDX-License-Identifier: MIT
// The types of the page, for the type check alone: what stands here is not shipped.

/** An operation as a row of the list; names are those of the API. */
interface Operation {
  seq: number;
  updated: number;
  /** microseconds since 1970 */
  start: number;
  duration_us: number;
  request_id: string;
  kind: string;
  state: string;
  domain: string;
  server: string;
  conn: string;
  subject: string;
  about: string;
  manner: string;
  shape: string;
  shape_text: string;
  result: { code: number; name: string; error: string; sub_code: string; hint: string } | null;
  entries: number;
  bytes_received: number;
  first_us: number;
  repeat: number;
  step: string;
  /** seq of the first page; 0 for a single operation */
  call: number;
  /** from 1; 0 for a single operation */
  page: number;
  inferred: boolean;
}

/** An HTTP request or job as a row of the list. */
interface HTTPRequest {
  id: string;
  updated: number;
  kind: string;
  method: string;
  route: string;
  path: string;
  name: string;
  status: number;
  user: string;
  /** microseconds since 1970 */
  start: number;
  duration_us: number;
  running: boolean;
  operations: number;
  errors: number;
  duplicates: number;
  similar: number;
  shapes: number;
  entries: number;
  bytes_received: number;
  ldap_us: number;
  dropped: number;
  domains: string[];
  findings: number;
  severity: string;
}

/** An HTTP request or job with its operations, in order. past: it was made before the application restarted. */
interface Group {
  type: "group";
  id: string;
  start: number;
  request: HTTPRequest;
  operations: Operation[];
  /** counts changes */
  version: number;
  past: boolean;
  rows?: import("../assets/js/grouprows.js").Made;
}

/** Changes that the page has not. reason: evicted, nobody has them; skipped, the program has them. left: 0 for unknown. */
interface Gap {
  type: "gap";
  id: string;
  start: number;
  from: number;
  to: number;
  reason: string; // older: than what the list begins with; skipped: the program went too fast; evicted: nobody has it any more
  left: number;
}

interface Restart {
  type: "restart";
  at: number;
  id: string;
  start: number;
}

type Item = Group | Gap | Restart;

/** Operations that have something in common. */
interface Sum {
  id: string;
  kind: "shape" | "conn";
  key: string;
  title: string;
  operations: Operation[];
  total: number;
  longest: number;
  errors: number;
  entries: number;
  bytes: number;
  repeats: number;
}

type RequestRow = { type: "request"; id: string; group: string; request: HTTPRequest; past: boolean; open: boolean; level: 1 };
type SumRow = { type: "sum"; id: string; sum: Sum; open: boolean; level: 1 };
type StepRow = { type: "step"; id: string; name: string; level: 2 };
type OperationRow = { type: "operation"; id: string; op: Operation; level: number; pages: number; past: boolean; whole: number };
type GapRow = { type: "gap"; id: string; gap: Gap; level: 1 };
type RestartRow = { type: "restart"; id: string; at: number; level: 1 };
type Row = RequestRow | SumRow | StepRow | OperationRow | GapRow | RestartRow;

/** What a list shows. */
interface Rows {
  count: number;
  at(i: number): Row | undefined;
  find(id: string): number;
}

interface Finding {
  rule: string;
  title: string;
  severity: string;
  confidence: string;
  evidence: string;
  why: string;
  fix: string;
  count: number;
  requests: number;
  operations: number[];
  request_id: string;
  route: string;
  shape: string;
  shape_text: string;
  wasted_us: number;
  last: string;
}

/** Times in microseconds from the start of an HTTP request. */
interface Span {
  from: number;
  to: number;
}

interface Segment extends Span {
  name: string;
}

interface Bar extends Span {
  op: any;
  ops: any[];
  segments: Segment[];
  critical: boolean;
  lane: string;
}
