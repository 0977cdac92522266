import java.util.Map;
import org.apache.kafka.streams.state.RocksDBConfigSetter;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.Cache;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;
import org.rocksdb.WriteBufferManager;

/**
 * Bounds the memory of all stores of the process together, write buffers
 * included. Sizes in MB: settings peer.rocksdb.cache.mb and
 * peer.rocksdb.write.buffers.mb.
 */
public final class RocksDbSettings implements RocksDBConfigSetter {
  private static Cache cache;
  private static WriteBufferManager buffers;

  private static synchronized void prepare(Map<String, Object> configs) {
    if (cache != null) return;
    cache = new LRUCache(bytes(configs, "peer.rocksdb.cache.mb", "256"));
    buffers = new WriteBufferManager(
        bytes(configs, "peer.rocksdb.write.buffers.mb", "128"), cache);
  }

  private static long bytes(Map<String, Object> configs, String name,
      String preset) {
    Object given = configs.getOrDefault(name, preset);
    return Long.parseLong(given.toString()) << 20;
  }

  @Override
  public void setConfig(String store, Options options,
      Map<String, Object> configs) {
    prepare(configs);
    BlockBasedTableConfig table =
        (BlockBasedTableConfig) options.tableFormatConfig();
    table.setBlockCache(cache);
    table.setCacheIndexAndFilterBlocks(true);
    table.setPinTopLevelIndexAndFilter(true);
    options.setWriteBufferManager(buffers);
    options.setTableFormatConfig(table);
  }

  @Override
  public void close(String store, Options options) {
    // The cache and the buffers belong to all stores, until the process ends.
  }
}
