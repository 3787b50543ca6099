//! What is wrong with a file or folder of the module cache, said behind its path or name.

use super::phrases;

phrases! {
    CUT_SHORT = "it is cut short", "它不完整，末尾缺失";
    NO_ZIP = "it is no whole zip file: {detail}", "它不是完整的 zip 文件：{detail}";
    STRAY_FILE = "unexpected file {name}", "其中有不该出现的文件 {name}";
    OTHER_HASH = "it has {got}, go.sum {want}", "它的哈希是 {got}，go.sum 中是 {want}";
    SAYS_OTHER_HASH = "it says {says}, the zip has {got}", "它记录的是 {says}，而 zip 的哈希是 {got}";
    OTHER_THAN_BOTH = "it has {got}, its .ziphash and go.sum {want}", "它的哈希是 {got}，而 .ziphash 和 go.sum 中是 {want}";
    NO_HASH = "it holds no hash", "其中没有哈希";
    FROM_DAMAGED_ZIP = "it was unpacked from the damaged zip", "它是从已损坏的 zip 解压出来的";
    LACKS = "{name} is missing", "缺少 {name}";
    BLANK = "{name} is cut short or blank", "{name} 不完整或是空的";
    CHANGED = "{name} has another content", "{name} 的内容不同";
    OPEN_BLOCK = "it ends inside a block", "它在括号块的中间就结束了";
    NO_GO_MOD = "it is no go.mod", "它不是 go.mod";
    NO_MODULE_LINE = "it has no module line", "其中没有 module 行";
    OTHER_VERSION = "it says version {says}", "它记录的版本是 {says}";
    OTHER_REPOSITORY = "it names another repository than its folder is for", "它写的仓库与所在目录对应的仓库不同";
    NOBODY_HOLDS = "no process holds it", "没有进程持有它";
    NO_OBJECTS = "it has no objects", "其中没有 objects";
    NO_HEAD = "its HEAD is none", "它的 HEAD 无效";
    NO_REFS = "it has no refs", "其中没有 refs";
    BAD_CONFIG = "its config is damaged", "它的 config 已损坏";
    BAD_PACKED_REFS = "its packed-refs are damaged", "它的 packed-refs 已损坏";
    BAD_SHALLOW = "its list of shallow commits is damaged", "它的浅克隆提交列表已损坏";
    BAD_OBJECT = "{name} is damaged", "{name} 已损坏";
    GIT_SAYS = "git says: {line}", "git 报告：{line}";
    NO_NOTE = "it is no signed note", "它不是签过名的记录";
    WRONG_LENGTH = "it has the wrong length", "它的长度不对";
    NO_RECORD = "it is no signed record", "它不是签过名的条目";
    CONTRADICTS_TILES = "it contradicts the other tiles", "它与其他 tile 相互矛盾";
    CONTRADICTS_TREE = "it contradicts a signed tree", "它与签过名的树相互矛盾";
}
