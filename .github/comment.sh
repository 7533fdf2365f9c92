#!/usr/bin/env bash
# Sends FILE, FILE.2, FILE.3 … as the comments 1, 2, 3 … of a pull request: changes the ones that are there, adds what is missing, removes
# what is too many. Wants GITHUB_REPOSITORY, PULL_REQUEST and, for gh, GH_TOKEN. With FROM_FORK=1 a
# stranger's code has written the files: ten at most, each said to be so, and nobody is called by an `@` in them.
set -euo pipefail
file=$1
most=1000
if [ "${FROM_FORK:-}" = 1 ]; then most=10; fi
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

# The file that is sent as comment NUMBER.
body() { # part number
  if [ "${FROM_FORK:-}" != 1 ]; then
    printf '%s' "$1"
    return
  fi
  {
    printf '<!-- contest-fleet preview %s -->\n> Made by the code of a fork: it may say anything.\n\n' "$2"
    LC_ALL=C sed '1{/^<!-- contest-fleet preview [0-9]* -->/d}' "$1" | head -c 60000 | LC_ALL=C sed "s/@/@$(printf '\342\200\213')/g"
  } > "$work/$2"
  printf '%s' "$work/$2"
}
comments=repos/$GITHUB_REPOSITORY/issues/$PULL_REQUEST/comments

# `number id` of each comment of this workflow's own, by its first line (cli/preview/markdown.ts).
mapfile -t there < <(gh api --paginate "$comments" --jq '.[]
  | select(.user.login == "github-actions[bot]")
  | (.body | capture("^<!-- contest-fleet preview (?<number>[0-9]+) -->")) as $first
  | "\($first.number) \(.id)"')

declare -A ids=()
for each in "${there[@]}"; do ids[${each%% *}]=${each##* }; done

number=1
part=$file
while [ -f "$part" ] && [ "$number" -le "$most" ]; do
  content=$(body "$part" "$number")
  if [ -n "${ids[$number]:-}" ]; then
    gh api --silent -X PATCH "repos/$GITHUB_REPOSITORY/issues/comments/${ids[$number]}" -F "body=@$content"
    unset "ids[$number]"
  else
    gh api --silent -X POST "$comments" -F "body=@$content"
  fi
  number=$((number + 1))
  part=$file.$number
done

for id in "${ids[@]}"; do gh api --silent -X DELETE "repos/$GITHUB_REPOSITORY/issues/comments/$id"; done
