//! What `gox --help` says, and the pointers of those who lost their way.

use super::phrases;

phrases! {
    ABOUT = "The go command that gets module downloads through bad networks", "在糟糕的网络中也能下载好模块的 go 命令";
    USAGE = "Usage:", "用法：";
    COMMANDS = "Commands of gox's own:", "gox 自己的命令：";
    WORDS = ": {words}", "：{words}";
    BELOW = "Commands:", "命令：";
    ARGUMENTS = "Arguments:", "参数：";
    OPTIONS = "Options:", "选项：";
    AFTER = "Every other verb and argument is go's: gox mod download, gox help.\nEach option is also a variable (GOX_ATTEMPTS) and, but for --offline, --config\nand --bypass, a key of gox.toml. gox ends as go does; its own failures are 125\n(usage, configuration), 126 (a go that cannot be run) and 127 (no go found).",
        "其余命令和参数都是 go 的：gox mod download、gox help。\n每个选项也是环境变量（如 GOX_ATTEMPTS），除 --offline、--config、--bypass 外\n也是 gox.toml 的键。gox 的退出码与 go 相同；gox 自己的错误：\n125 用法或配置有误，126 无法运行 go，127 找不到 go。";
    EXPLAIN = "Tell what failed in go's output, and what helps", "说明 go 的输出中什么失败了、怎么办";
    DOCTOR = "Tell what is wrong: network, proxies, credentials, cache", "诊断网络、代理、登录信息和缓存";
    HISTORY = "List earlier runs that met the network", "列出以前用到网络的运行";
    CONFIG = "Show every setting and where it comes from", "显示每项设置及其来源";
    EVICT = "Take a module, or one version, out of the module cache", "从模块缓存中移除模块或其某个版本";
    PRIVATE = "Say which modules are private", "声明哪些模块是私有的";
    SHIM = "Have whatever calls go call gox: a link named go", "让调用 go 的程序都改用 gox（名为 go 的链接）";
    COMPLETIONS = "Print the completions of a shell", "输出 shell 的补全脚本";
    KEY_GO = "The real go; nothing: the first on PATH that is not gox", "真正的 go；默认为 PATH 中第一个不是 gox 的";
    KEY_ATTEMPTS = "Attempts without progress before giving up", "没有进展时最多运行几次";
    KEY_BUDGET = "Time to recover in; at a terminal 2m", "恢复时限；在终端上为 2m";
    KEY_STALL = "Silence after which go counts as stalled", "多久没有动静算停滞";
    KEY_BACKOFF_BASE = "First wait between attempts", "第一次重试前的等待";
    KEY_BACKOFF_MAX = "Longest wait between attempts", "重试前最长的等待";
    KEY_ROTATE = "How far along GOPROXY: listed, go, never", "沿 GOPROXY 重试的范围：listed、go、never";
    KEY_MIRRORS = "Public mirrors to ask last, or none", "最后才问的公共镜像，或 none";
    KEY_PRIVATE = "Private modules, as in GOPRIVATE", "私有模块，写法同 GOPRIVATE";
    KEY_CONFIDENTIAL = "Modules that nobody else may hear of", "不可让别人知道的模块";
    KEY_FILL = "Fetch ahead what go.sum proves: auto, off", "提前下载 go.sum 能校验的：auto、off";
    KEY_RELAY = "gox's own proxy between: auto, always, never", "经由 gox 自己的代理：auto、always、never";
    KEY_VERBOSITY = "Say: quiet, normal, verbose", "提示的多少：quiet、normal、verbose";
    KEY_PROGRESS = "Show how far a run has come: auto, off", "显示运行的进度：auto、off";
    KEY_LANG = "Language of gox's lines: auto, en, zh", "提示的语言：auto、en、zh";
    KEY_REPORT = "File or folder for the JSON report of the run", "JSON 报告写到的文件或目录";
    KEY_RECORD = "File for what the run observed", "记录本次运行的文件";
    KEY_JOURNAL = "Keep runs for gox history: on, off", "保存运行记录供 history 查看：on、off";
    KEY_STATE_DIR = "Folder of the journal; nothing: ~/.local/state/gox", "日志目录；默认为 ~/.local/state/gox";
    KEY_OFFLINE = "Use the module cache alone, where it is complete", "只用模块缓存（须完整）";
    KEY_CONFIG = "Read this gox.toml instead of the usual ones, or none", "改读这个 gox.toml，或 none";
    KEY_BYPASS = "Be plain go", "等同于直接运行 go";
    KEY_HELP = "Print this help", "显示此帮助";
    KEY_VERSION = "Print the version of gox", "显示 gox 的版本";
    POINTER = "go's own usage follows; for gox's options and commands: `gox --help`", "以下是 go 自己的用法；gox 的选项和命令见 `gox --help`";
    MEANT = "no command `{given}`: did you mean `gox {near}`? (`gox --help` lists gox's own, `gox help` go's)",
        "没有命令 `{given}`：您是想用 `gox {near}` 吗？（`gox --help` 列出 gox 的命令，`gox help` 列出 go 的）";
    NOT_KNOWN = "no command `{given}`: `gox --help` lists gox's own, `gox help` go's", "没有命令 `{given}`：`gox --help` 列出 gox 的命令，`gox help` 列出 go 的";
}
