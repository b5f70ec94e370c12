
# From here on by hand: completions/parts/command.bash.
#
# Where COMMAND begins, its own completion goes on. Before that, bash has broken the words at `=` and
# `:`, which nobody else puts together again.
_recycle_or_command() {
    local with_value=" @WITH_VALUE@ "
    local at=1 current=$2 option value=0 word
    # Of a word that is nothing but a break, nothing has been typed.
    [[ $current != [=:] ]] || current=

    while ((at < COMP_CWORD)); do
        word=${COMP_WORDS[at]}
        case $word in
            --) ((at++)) && break ;;
            # Whatever follows is a file, which is what bash takes what is not known for.
            --chart) COMPREPLY=() && return ;;
            -*) ((at++)) ;;
            *) break ;;
        esac
        [[ $with_value == *" $word "* ]] || continue
        option=$word
        [[ ${COMP_WORDS[at]} != "=" ]] || ((at++))
        value=$((at++))
        while [[ ${COMP_WORDS[at]-} == [=:] ]]; do ((at += 2)); done
    done

    if ((at > COMP_CWORD)); then
        _recycle_value "$1" "$current" "$option" $((COMP_CWORD - value))
    elif [[ $at -eq $COMP_CWORD && ${COMP_WORDS[at - 1]} != "--" && $current == -* ]]; then
        _recycle "$1" "$current" "$3"
    # Newer and older bash-completion. Without it COMMAND has files, again by bash itself.
    elif declare -F _comp_command_offset >/dev/null; then
        _comp_command_offset "$at"
    elif declare -F _command_offset >/dev/null; then
        _command_offset "$at"
    elif ((at == COMP_CWORD)); then
        mapfile -t COMPREPLY < <(compgen -c -- "$current")
    else
        COMPREPLY=()
    fi
}

# The value of this option, of which so many pieces are there already.
_recycle_value() {
    local current=$2 option=$3 pieces=$4 before=
    case $option in
        --traffic)
            before=${current%"${current##*,}"}
            mapfile -t COMPREPLY < <(compgen -P "$before" -W "@TRAFFIC@" -- "${current##*,}")
            ;;
        --map-signal)
            # Where bash does not break at colons.
            [[ $current != *:* ]] || before=${current%%:*}:
            if [[ $pieces -gt 0 || $before ]]; then
                mapfile -t COMPREPLY < <(
                    compgen -P "$before" -W "none recycle @SIGNALS@" -- "${current#"$before"}"
                )
                return
            fi
            mapfile -t COMPREPLY < <(compgen -S : -W "@CAUGHT@" -- "$current")
            ;;
        --metrics)
            # A file, of which bash knows itself.
            ((pieces == 0)) || return
            mapfile -t COMPREPLY < <(compgen -W "statsd:// prom:" -- "$current")
            ;;
        *)
            _recycle "$1" "$current" "$option"
            return
            ;;
    esac
    compopt -o nospace
}
