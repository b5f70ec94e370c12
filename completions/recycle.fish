complete -c recycle -n __recycle_options -l idle -d 'Recycle when quiet this long, after traffic' -r -f
complete -c recycle -n __recycle_options -l max-rss -d 'Recycle when the sum of RSS exceeds this' -r -f
complete -c recycle -n __recycle_options -l max-pss -d 'The same for PSS: shared pages count once' -r -f
complete -c recycle -n __recycle_options -l kill-rss -d 'Kill at once when memory exceeds this' -r -f
complete -c recycle -n __recycle_options -l max-lifetime -d 'Recycle when a generation is this old' -r -f
complete -c recycle -n __recycle_options -l jitter -d 'Shorten lifetimes, at random' -r -f
complete -c recycle -n __recycle_options -l min-lifetime -d 'Hold every recycle until this age' -r -f
complete -c recycle -n __recycle_options -l quiet -d 'Hold memory and lifetime recycles until quiet' -r -f
complete -c recycle -n __recycle_options -l quiet-wait -d '... but no longer than this' -r -f
complete -c recycle -n __recycle_options -l traffic -d 'stdin, sockets, tcp, udp, unix, inbound; port:N, !port:N' -r -f
complete -c recycle -n __recycle_options -l idle-floor -d 'Ignore up to this much TCP payload per idle window: SIZE, SIZE/conn or auto' -r -f
complete -c recycle -n __recycle_options -l settle -d 'COMMAND\'s own connections do not arm --idle this soon after its start' -r -f
complete -c recycle -n __recycle_options -l idle-cpu -d 'More of one CPU is work, not quiet' -r -f
complete -c recycle -n __recycle_options -l stdin -d 'inherit or lines' -r -f -a "inherit\t''
lines\t''"
complete -c recycle -n __recycle_options -l max-line -d 'Longer lines pass in pieces' -r -f
complete -c recycle -n __recycle_options -l drain-timeout -d 'To recycle, close COMMAND\'s input and wait this long before the stop' -r -f
complete -c recycle -n __recycle_options -l eof-timeout -d 'Stop COMMAND and leave this long after the end of input' -r -f
complete -c recycle -n __recycle_options -l stop-signal -d 'Sent to COMMAND, then CONT' -r -f -a "HUP\t''
INT\t''
QUIT\t''
ILL\t''
TRAP\t''
ABRT\t''
BUS\t''
FPE\t''
KILL\t''
USR1\t''
SEGV\t''
USR2\t''
PIPE\t''
ALRM\t''
TERM\t''
STKFLT\t''
CHLD\t''
CONT\t''
STOP\t''
TSTP\t''
TTIN\t''
TTOU\t''
URG\t''
XCPU\t''
XFSZ\t''
VTALRM\t''
PROF\t''
WINCH\t''
IO\t''
PWR\t''
SYS\t''"
complete -c recycle -n __recycle_options -l stop-timeout -d 'KILL the tree after this' -r -f
complete -c recycle -n __recycle_options -l pre-stop -d 'Shell command to run before that' -r -f -a "(__fish_complete_command)"
complete -c recycle -n __recycle_options -l pre-stop-timeout -d '... and wait for this long' -r -f
complete -c recycle -n __recycle_options -l then -d 'restart, exit[:STATUS], end as command, or wait for input' -r -f -a "restart\t''
exit\t''
command\t''
wait\t''"
complete -c recycle -n __recycle_options -l signal-scope -d 'Signals go to child or group' -r -f -a "child\t''
group\t''"
complete -c recycle -n __recycle_options -l map-signal -d 'Pass FROM on as TO: a signal, none, recycle' -r -f
complete -c recycle -n __recycle_options -l chdir -d 'Start COMMAND in this directory, resolved anew for each generation' -r -f
complete -c recycle -n __recycle_options -l restart -d 'never, on-failure or always' -r -f -a "never\t''
on-failure\t''
always\t''"
complete -c recycle -n __recycle_options -l max-restarts -d 'Give up after more than N' -r -f
complete -c recycle -n __recycle_options -l backoff -d 'Doubling delay' -r -f
complete -c recycle -n __recycle_options -l log-format -d 'text, json or logfmt, on stderr' -r -f -a "text\t''
json\t''
logfmt\t''"
complete -c recycle -n __recycle_options -l sample-every -d 'Also log memory and traffic at this pace' -r -f
complete -c recycle -n __recycle_options -l metrics -d 'Tell statsd://HOST:PORT[/PREFIX], or prom:FILE' -r -f
complete -c recycle -n __recycle_options -l on-event -d 'Shell command to run for what matters' -r -f -a "(__fish_complete_command)"
complete -c recycle -n __recycle_options -l name -d 'What machines are told COMMAND is called' -r -f
complete -c recycle -n __recycle_options -l chart -d 'Draw JSON logs: recycle --chart LOG... > F.svg'
complete -c recycle -n __recycle_options -s q -l quiet-log -d 'Say errors only'
complete -c recycle -n __recycle_options -s v -l verbose -d 'Explain each decision'
complete -c recycle -n __recycle_options -l observe -d 'Recycle nothing: tell what would be, and what to set'
complete -c recycle -n __recycle_options -l explain -d 'Say what would happen here, and run nothing'
complete -c recycle -n __recycle_options -s h -l help -d 'Print this help'
complete -c recycle -n __recycle_options -s V -l version -d 'Print the version'

# From here on by hand: completions/parts/command.fish.

# The words from COMMAND to before the cursor, once it has begun.
function __recycle_command
    set -l words (commandline -opc)
    set -e words[1]
    while set -q words[1]
        switch $words[1]
            case --
                set -e words[1]
                string join0 -- $words
                return 0
            case '-*'
                if contains -- $words[1] --idle --max-rss --max-pss --kill-rss --max-lifetime --jitter --min-lifetime --quiet --quiet-wait --traffic --idle-floor --settle --idle-cpu --stdin --max-line --drain-timeout --eof-timeout --stop-signal --stop-timeout --pre-stop --pre-stop-timeout --then --signal-scope --map-signal --chdir --restart --max-restarts --backoff --log-format --sample-every --metrics --on-event --name
                    set -e words[1]
                end
            case '*'
                string join0 -- $words
                return 0
        end
        set -e words[1]
    end
    return 1
end

function __recycle_options
    not __recycle_command >/dev/null
end

# What is known of COMMAND goes on, as if it stood there alone.
function __recycle_complete_command
    set -l words (__recycle_command | string split0 | string escape) (commandline -ct)
    # An option is none.
    string match -q -- '-*' $words[1]
    or complete -C (string join ' ' -- $words)
end

function __recycle_map_signal
    if string match -q '*:*' -- (commandline -ct)
        string replace -r ':.*' '' -- (commandline -ct) | read -l from
        printf '%s\n' $from:{none,recycle,HUP,INT,QUIT,ILL,TRAP,ABRT,BUS,FPE,KILL,USR1,SEGV,USR2,PIPE,ALRM,TERM,STKFLT,CHLD,CONT,STOP,TSTP,TTIN,TTOU,URG,XCPU,XFSZ,VTALRM,PROF,WINCH,IO,PWR,SYS}
    else
        printf '%s:\n' HUP INT QUIT ILL TRAP ABRT BUS FPE USR1 SEGV USR2 PIPE ALRM TERM STKFLT CONT TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS
    end
end

complete -c recycle -n 'not __fish_contains_opt chart' -x -a '(__recycle_complete_command)'
complete -c recycle -n '__fish_contains_opt chart' -F
complete -c recycle -n __recycle_options -l map-signal -x -a '(__recycle_map_signal)'
complete -c recycle -n __recycle_options -l metrics -x -a 'statsd:// prom:'
complete -c recycle -n __recycle_options -l traffic -x \
    -a '(__fish_complete_list , "printf %s\\\\n stdin sockets tcp udp unix inbound")'
