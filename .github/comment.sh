#!/usr/bin/env bash
# Sends FILE, FILE.2, FILE.3 … as the comments 1, 2, 3 … of a pull request: changes the ones that are there, adds what is missing, removes
# what is too many. Wants GITHUB_REPOSITORY, PULL_REQUEST and, for gh, GH_TOKEN.
set -euo pipefail
file=$1
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
while [ -f "$part" ]; do
  if [ -n "${ids[$number]:-}" ]; then
    gh api --silent -X PATCH "repos/$GITHUB_REPOSITORY/issues/comments/${ids[$number]}" -F "body=@$part"
    unset "ids[$number]"
  else
    gh api --silent -X POST "$comments" -F "body=@$part"
  fi
  number=$((number + 1))
  part=$file.$number
done

for id in "${ids[@]}"; do gh api --silent -X DELETE "repos/$GITHUB_REPOSITORY/issues/comments/$id"; done
