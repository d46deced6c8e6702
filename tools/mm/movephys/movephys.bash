# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Bash completion for movephys(8) and tierd(8). The options are read from their --help.

_movephys()
{
	local word=${COMP_WORDS[COMP_CWORD]} words= before=
	local help name

	case ${COMP_WORDS[COMP_CWORD - 1]} in
	--to)
		words=$(cd /sys/devices/system/node && printf '%s\n' node[0-9]*)
		words=${words//node/}
		[[ $word = *,* ]] || words+=' slower faster' ;;
	--from | --fast | --slow)
		words=$(cd /sys/devices/system/node && printf '%s\n' node[0-9]*)
		words=${words//node/} ;;
	--fail-on)
		words='ENOENT EFAULT EACCES EBUSY ENOMEM EIO EINVAL' ;;
	--comm)
		# Any user can choose a name. Neither pass it to compgen -W, which runs the commands in
		# it, nor add it to the command line without quotes.
		COMPREPLY=()
		while IFS= read -r name; do
			[[ $name != "$word"* ]] || COMPREPLY+=("$(printf '%q' "$name")")
		done < <(cat /proc/[0-9]*/comm 2>/dev/null)
		return ;;
	--damon)
		words=$(cd /sys/kernel/mm/damon/admin/kdamonds 2>/dev/null && compgen -G '[0-9]*') ;;
	--pid | -p)
		words=$(cd /proc && printf '%s\n' [0-9]*) ;;
	--cgroup)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -d -- "${word:-/sys/fs/cgroup/}")
		return ;;
	--config | --metrics)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return ;;
	--idle | --accessed | --limit | --rate | --budget | --jobs | --watch | --interval | --longest | --keep-free)
		return ;;
	*)
		help=$("$1" --help 2>/dev/null)
		words=$(grep -o -e '^  [- ].[, ] --[a-z-]*' <<<"$help" | grep -o -e '--.*') ;;
	esac
	# In a list, complete the last part.
	case $word in
	*,*) before=${word%,*}, ;;
	esac
	mapfile -t COMPREPLY < <(compgen -P "$before" -W "$words" -- "${word##*,}")
} && complete -F _movephys movephys tierd
