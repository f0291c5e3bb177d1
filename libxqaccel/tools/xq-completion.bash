# SPDX-License-Identifier: MIT
#
# Completion of xq for bash. Commands, options and the values that they take come from xq itself
# (--list-commands, and --list-options of each command), so that they can't differ from it.

# Sets words: those before the cursor as xq gets them. Bash breaks them at = and : too.
_xq_join() {
	local i word joined=
	words=("${COMP_WORDS[0]}")
	for ((i = 1; i <= COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ $i -gt 1 && ($joined || $word == [=:]*) ]]; then
			words[-1]+=$word
		else
			words+=("$word")
		fi
		joined=
		[[ $word == *[=:] ]] && joined=1
	done
}

_xq_words() {
	mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2")
}

# _xq_files WORD PATTERN: folders, and files whose name matches.
_xq_files() {
	local file
	compopt -o filenames 2>/dev/null
	while read -r file; do
		# shellcheck disable=SC2053  # a pattern
		[[ -d $file || $file == $2 ]] && COMPREPLY+=("$file")
	done < <(compgen -f -- "$1")
}

# _xq_take KIND WORD: what an option of that kind takes; choices like kmeans:BITS stop at the colon.
_xq_take() {
	case $1 in
	device) _xq_words "soft $(compgen -G '/dev/xqaccel*')" "$2" ;;
	tensor) _xq_files "$2" '*.@(npy|npz|safetensors)' ;;
	file) _xq_files "$2" '*' ;;
	text) ;;
	*) _xq_words "$(sed -E 's/:[A-Z]+/:/g; s/\|/ /g' <<<"$1")" "$2" ;;
	esac
}

# The kind of an option (or of the operands) in the list of the command's options.
_xq_kind() {
	awk -v name="$1" '$1 == name { print $2 }' <<<"$list"
}

_xq_option() {
	local previous=${words[-2]} kind
	if [[ $word == --*=* ]]; then
		before=${word%%=*}=
		kind=$(_xq_kind "${word%%=*}")
		[[ $kind ]] && _xq_take "$kind" "${word#*=}"
		return
	fi
	kind=$(_xq_kind "$previous")
	if [[ $previous == -* && $kind ]]; then
		_xq_take "$kind" "$word"
	elif [[ $word == -* ]]; then
		_xq_words "$(awk '/^--/ { print $1 (NF > 1 ? "=" : "") }' <<<"$list")" "$word"
	else
		kind=$(_xq_kind operands)
		[[ $kind ]] && _xq_take "$kind" "$word"
	fi
}

_xq() {
	local words word before='' command list there='' breaks=${COMP_WORDBREAKS//[^=:]/}
	COMPREPLY=()
	_xq_join
	word=${words[-1]}
	[[ ${words[1]} == help ]] && ((${#words[@]} > 2)) && words=("${words[0]}" "${words[@]:2}")
	list=$("$1" --list-commands 2>/dev/null) || return
	command=${words[1]}
	if ((${#words[@]} == 2)); then
		_xq_words "help --version $(awk '!seen[$1]++ { print $1 }' <<<"$list")" "$word"
	elif ((${#words[@]} == 3)) && ! grep -qxF -- "$command" <<<"$list"; then
		_xq_words "$(awk -v first="$command" '$1 == first { print $2 }' <<<"$list")" "$word"
	else
		grep -qxF -- "$command" <<<"$list" || command+=" ${words[2]}"
		# shellcheck disable=SC2086  # two words for bench
		list=$("$1" $command --list-options 2>/dev/null) || return
		_xq_option
	fi
	# Readline only replaces what follows the last character at which it breaks words.
	[[ $breaks && $word == *["$breaks"]* ]] && there=${word%"${word##*["$breaks"]}"}
	COMPREPLY=("${COMPREPLY[@]/#/$before}")
	COMPREPLY=("${COMPREPLY[@]#"$there"}")
	[[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[=:] ]] && compopt -o nospace 2>/dev/null
	return 0
}

complete -F _xq xq
