/**
 * What each shell has to run: a small function that hands the line to `kimtest __complete` and shows its answer. What
 * there is to complete is known there, so that a script that was installed once stays true.
 *
 * An answer has one candidate a line, a tab and its description behind it; `:files` and `:folders` ask the shell for its own.
 */
export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

const BASH = `# kimtest completion for bash: source <(kimtest completion bash)
_kimtest() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :files) compopt -o default 2>/dev/null ;;
      :folders) compopt -o dirnames 2>/dev/null ;;
      ?*) COMPREPLY+=("\${line%%$'\\t'*}") ;;
    esac
  done < <("$1" __complete bash "\${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
}
complete -F _kimtest kimtest
`;

const ZSH = `#compdef kimtest
# kimtest completion for zsh: source <(kimtest completion zsh), or put it into a folder of $fpath as _kimtest
_kimtest() {
  local line wants_files wants_folders
  local -a described
  while IFS= read -r line; do
    case $line in
      (:files) wants_files=1 ;;
      (:folders) wants_folders=1 ;;
      (?*) described+=("\${\${line%%$'\\t'*}//:/\\\\:}\${\${line#*$'\\t'}:+:\${line#*$'\\t'}}") ;;
    esac
  done < <("$words[1]" __complete zsh "\${(@)words[2,CURRENT]}" 2>/dev/null)
  (( $#described )) && _describe -V kimtest described
  [[ -n $wants_folders ]] && _files -/
  [[ -n $wants_files ]] && _files
  return 0
}
if [[ $funcstack[1] == _kimtest ]]; then _kimtest "$@"; else compdef _kimtest kimtest; fi
`;

const FISH = `# kimtest completion for fish: kimtest completion fish | source, or save it as ~/.config/fish/completions/kimtest.fish
function __kimtest
  set -l words (commandline -opc)
  for line in ($words[1] __complete fish $words[2..-1] (commandline -ct | string collect --allow-empty) 2>/dev/null)
    switch $line
      case ":files"
        __fish_complete_path (commandline -ct)
      case ":folders"
        __fish_complete_directories (commandline -ct)
      case "*"
        echo $line
    end
  end
end
complete -c kimtest -f -k -a "(__kimtest)"
`;

export const SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH };
