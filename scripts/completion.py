#!/usr/bin/env python3
"""completion.py CRAWLD SHELL : the completion of the command line for bash, zsh or fish, from what
`crawld --help` says. scripts/regenerate.sh writes deploy/completion by it; a test compares, and asks the
shells."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import command_help  # noqa: E402

NOTE = "Written by scripts/completion.py from what `crawld --help` says."
KEYS = "schema --as table 2>/dev/null | sed -n 's/^| `\\([^`]*\\)`.*/\\1/p'"


def kind(option):
    """What a value of the option or argument is: "", "config", "file", "key", "words" or "text"."""
    if not option.value:
        return ""
    if option.words:
        return "words"
    word = option.value.split()[0].split(":")[0]
    if word == "FILE":
        return "config" if "--config" in option.names else "file"
    return "key" if word == "KEY" else "text"


def path_of(command):
    return " ".join(command.path)


def bash(top):
    facts, values, arguments = [], [], []
    for command in top.walk():
        below = " ".join(c.path[-1] for c in command.commands)
        names = " ".join(n for option in command.options for n in option.names)
        facts.append(f"    '{path_of(command)}') commands='{below}' options='{names}' ;;")
        for option in command.options:
            if kind(option):
                cases = " | ".join(f"'{path_of(command)} {n}'" for n in option.names)
                what = "words " + " ".join(option.words) if option.words else kind(option)
                values.append(f"    {cases}) kind='{what}' ;;")
        for i, argument in enumerate(command.positionals):
            what = "words " + " ".join(argument.words) if argument.words else kind(argument)
            place = "*" if argument.repeats else f"'{i + 1}'"
            arguments.append(f"    '{path_of(command)} '{place}) kind='{what}' ;;")
    return f"""# bash completion of crawld. {NOTE}

# $1: a command, as 'frontier list'. Sets commands (those below it) and options.
_crawld_facts() {{
  commands='' options=''
  case $1 in
{chr(10).join(facts)}
  esac
}}

# $1: a command and an option. Sets kind: what value it takes, or nothing.
_crawld_value() {{
  kind=''
  case $1 in
{chr(10).join(values)}
  esac
}}

# $1: a command and which of its arguments it is, from 1. Sets kind, as above.
_crawld_argument() {{
  kind=''
  case $1 in
{chr(10).join(arguments)}
  esac
}}

_crawld() {{
  local path='' option='' current='' arguments=0 word commands options kind i
  _crawld_facts ''
  # bash makes words of their own of what stands around "=".
  for ((i = 1; i <= COMP_CWORD; i++)); do
    word=${{COMP_WORDS[i]}}
    if ((i == COMP_CWORD)); then
      current=$word
      [[ $word == = && -n $option ]] && current=''
    elif [[ -n $option ]]; then
      [[ $word == = ]] || option=''
    elif [[ $word == -* ]]; then
      _crawld_value "$path $word"
      [[ -z $kind ]] || option=$word
    elif [[ " $commands " == *" $word "* ]]; then
      path=${{path:+$path }}$word
      _crawld_facts "$path"
    else
      ((arguments++))
    fi
  done

  COMPREPLY=()
  if [[ -n $option ]]; then
    _crawld_value "$path $option"
  elif [[ $current == -* ]]; then
    kind="words $options"
  elif [[ -n $commands ]]; then
    kind="words $commands"
  else
    _crawld_argument "$path $((arguments + 1))"
  fi
  case $kind in
    config)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -X '!*.yaml' -- "$current"; compgen -f -X '!*.yml' -- "$current"
        compgen -d -- "$current")
      ;;
    file)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      ;;
    key) mapfile -t COMPREPLY < <(compgen -W "$("${{COMP_WORDS[0]}}" {KEYS})" -- "$current") ;;
    words*) mapfile -t COMPREPLY < <(compgen -W "${{kind#words }}" -- "$current") ;;
  esac
}}

complete -F _crawld crawld
"""


def zsh_quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def zsh_doc(text):
    for special in "\\[]:":
        text = text.replace(special, "\\" + special)
    return text


def zsh_action(option):
    return {"": "", "config": ':config:_files -g "*.(yaml|yml)(-.)"', "file": ":file:_files",
            "key": ":key:_crawld_keys", "text": ":value: ",
            "words": f":word:({' '.join(option.words)})"}[kind(option)]


def zsh_option(option):
    spec = f"[{zsh_doc(option.doc)}]{zsh_action(option)}"
    if option.repeats:
        return " ".join(zsh_quoted("*" + name + spec) for name in option.names)
    if len(option.names) == 1:
        return zsh_quoted(option.names[0] + spec)
    others = " ".join(option.names)
    return " ".join(zsh_quoted(f"({others}){name}{spec}") for name in option.names)


def zsh(top):
    functions = []
    for command in top.walk():
        name = "_".join(["_crawld", *command.path])
        lines = [f"    {zsh_option(option)} \\" for option in command.options]
        body = [f"{name}() {{"]
        if command.commands:
            body += ["  local curcontext=$curcontext state line", "  typeset -A opt_args",
                     "  _arguments -C \\", *lines, "    '1:command:->command' '*::argument:->argument'",
                     "  case $state in", "    command)", "      local -a commands=("]
            body += [f"        {zsh_quoted(c.path[-1] + ':' + c.doc.replace(':', chr(92) + ':'))}"
                     for c in command.commands]
            body += ["      )", "      _describe command commands", "      ;;", "    argument)",
                     "      curcontext=${curcontext%:*:*}:crawld-$line[1]:", "      case $line[1] in"]
            body += [f"        {c.path[-1]}) {'_'.join(['_crawld', *c.path])} ;;" for c in command.commands]
            body += ["      esac", "      ;;", "  esac"]
        else:
            body += ["  _arguments \\", *lines,
                     *[f"    {zsh_quoted(('*' if p.repeats else str(i + 1)) + zsh_action(p))} \\"
                       for i, p in enumerate(command.positionals)], "    && return"]
        functions.append("\n".join(body + ["}"]))
    return f"""#compdef crawld
# zsh completion of crawld. {NOTE}

_crawld_keys() {{
  local -a keys=(${{(f)"$(crawld {KEYS})"}})
  compadd -a keys
}}

{chr(10).join(functions)}

_crawld "$@"
"""


def fish_quoted(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def fish(top):
    paths = [path_of(c) for c in top.walk() if c.path]
    valued = [f"{path_of(c)} {n}".strip() for c in top.walk() for o in c.options if kind(o) for n in o.names]
    lines = []
    actions = {"config": "-r -k -a '(__fish_complete_suffix .yaml .yml)'", "file": "-r -F",
               "key": f"-x -a \"(crawld {KEYS.replace(chr(92), chr(92) * 2)})\"", "text": "-x"}
    for command in top.walk():
        here = f"complete -c crawld -n \"__crawld_at '{path_of(command)}'\""
        for below in command.commands:
            lines.append(f"{here} -a {below.path[-1]} -d {fish_quoted(below.doc)}")
        for option in command.options:
            names = " ".join(f"-l {n[2:]}" if n.startswith("--") else f"-s {n[1:]}" for n in option.names)
            action = f"-x -a '{' '.join(option.words)}'" if option.words else actions.get(kind(option), "")
            lines.append(" ".join(part for part in (here, names, action, "-d", fish_quoted(option.doc)) if part))
        for argument in command.positionals:
            if argument.words:
                lines.append(f"{here} -a '{' '.join(argument.words)}'")
            elif kind(argument) == "file":
                lines.append(f"{here} -F")
    return f"""# fish completion of crawld. {NOTE}

# The command that the words before the cursor name is $argv, as 'frontier list'.
function __crawld_at
    set -l paths {' '.join(fish_quoted(p) for p in paths)}
    set -l valued {' '.join(fish_quoted(v) for v in valued)}
    set -l path ''
    set -l skip 0
    for word in (commandline -opc)[2..]
        if test $skip -eq 1
            set skip 0
        else if contains -- (string trim -- "$path $word") $valued
            set skip 1
        else if contains -- (string trim -- "$path $word") $paths
            set path (string trim -- "$path $word")
        end
    end
    test "$path" = "$argv"
end

complete -c crawld -f
{chr(10).join(lines)}
"""


SHELLS = {"bash": bash, "zsh": zsh, "fish": fish}

if __name__ == "__main__":
    sys.stdout.write(SHELLS[sys.argv[2]](command_help.read(sys.argv[1])))
