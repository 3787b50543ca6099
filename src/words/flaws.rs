//! What is wrong with the bytes that a host sent, said behind its name.

use super::phrases;

phrases! {
    PAGE_FOR_GO_MOD = "a page instead of a go.mod", "发来的是网页，而不是 go.mod";
    OTHER_MODULE = "go.mod declares module {path}", "go.mod 声明的模块是 {path}";
    NO_MODULE_LINE = "go.mod without a module line", "go.mod 中没有 module 行";
    OTHER_HASH = "checksum mismatch (downloaded {got})", "哈希不符（下载到的是 {got}）";
    PAGE_FOR_JSON = "a page instead of JSON", "发来的是网页，而不是 JSON";
    BROKEN_JSON = "broken JSON", "JSON 不完整";
    NO_VERSION = "JSON without a version", "JSON 中没有版本";
    OTHER_VERSION = "info for version {version}", "信息属于版本 {version}";
    PAGE_FOR_LIST = "a page instead of a list of versions", "发来的是网页，而不是版本列表";
    STRAY_LINES = "a list with other lines than versions", "版本列表中有不是版本的行";
    TILE_LENGTH = "a tile of a wrong length", "tile 的长度不对";
    NO_RECORD = "an unsigned or cut record", "记录没有签名或不完整";
    STRAY_FILE = "zip has unexpected file {name}", "zip 中有不该出现的文件 {name}";
    UNREADABLE = "a zip that cannot be read ({detail})", "zip 无法读取（{detail}）";
    NO_ZIP = "not a valid zip file ({detail})", "不是有效的 zip 文件（{detail}）";
    SAME_AS_ANOTHER = "the same bytes as for another file", "与另一个文件的内容完全相同";
    NO_END = "an answer without an end", "应答没有正常结束";
}
