// A fixed rate of GET requests by k6, the paths in the order that it is given them; percentiles of the measured part.
import http from "k6/http";
import { check } from "k6";
import { SharedArray } from "k6/data";
import exec from "k6/execution";

const paths = new SharedArray("paths", () => JSON.parse(open(__ENV.PATHS)));
const rate = { executor: "constant-arrival-rate", rate: Number(__ENV.RATE), preAllocatedVUs: 64 };

export const options = {
  discardResponseBodies: false, // ours reads each answer, too
  scenarios: {
    warm: { ...rate, duration: `${__ENV.WARM_S}s` },
    measured: { ...rate, duration: `${__ENV.DURATION_S}s`, startTime: `${__ENV.WARM_S}s` },
  },
  summaryTrendStats: ["p(50)", "p(95)", "p(99)", "max", "count"],
  // A figure of one scenario is only kept where a bound asks for it.
  thresholds: { "http_req_duration{scenario:measured}": ["max>=0"], "checks{scenario:measured}": ["rate==1.0"] },
};

export default function () {
  const answer = http.get(__ENV.HOST + paths[exec.scenario.iterationInTest % paths.length]);
  check(answer, { "status is 200": (one) => one.status === 200 });
}

export function handleSummary(data) {
  return { [__ENV.OUT]: JSON.stringify(data.metrics) };
}
