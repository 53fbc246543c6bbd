#!/bin/bash
# A small shell dispatcher of hook events with jq, to compare `nextrust hook` with: it reads the same fields, looks at the
# same markers, asks one handler by one expression, and writes one line of log.
set -euo pipefail

event=$1
payload=$(cat)
root=${CLAUDE_PROJECT_DIR:-.}
tool=$(jq -r '.tool_name // empty' <<<"$payload")
command=$(jq -r '.tool_input.command // .tool_args.command // empty' <<<"$payload")
session=$(jq -r '.session_id // empty' <<<"$payload")
mkdir -p "$root/.shell-logs"

phase=done
for id in phase-1 phase-2 phase-3 phase-4 phase-5; do
    [ -f "$root/artifacts/phase/$id.done" ] || { phase=$id; break; }
done

decision=passed
reason=
if [ "$event" = PreToolUse ] && [ "$tool" = Bash ]; then
    if [[ $command =~ build-custom-llvm\.sh ]] && [ "$phase" = phase-1 ]; then
        decision=deny reason="the current phase is $phase"
    elif [[ $command =~ rm[[:space:]]+-rf[[:space:]]+/ ]]; then
        decision=deny reason="it would remove the whole system"
    fi
fi

jq -cn --arg time "$(date -u +%FT%TZ)" --arg event "$event" --arg tool "$tool" --arg session "$session" \
    --arg outcome "$decision" '{$time, $event, $tool, $session, $outcome}' >>"$root/.shell-logs/$event.jsonl"
if [ "$decision" = deny ]; then
    echo "$reason" >&2
    exit 2
fi
